//! A process: a name and its contract. What its body is, the host language knows.

use crate::contract::Contract;
use std::sync::Arc;

/// A registered process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its name.
    pub name: Arc<str>,
    /// Its contract.
    pub contract: Arc<Contract>,
}

impl Process {
    /// A process of this name under this contract.
    pub fn new(name: &str, contract: Contract) -> Self {
        Process { name: name.into(), contract: Arc::new(contract) }
    }
}
