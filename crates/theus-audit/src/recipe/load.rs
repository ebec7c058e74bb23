//! [`Book::load`]: a recipe from a file.
//!
//! Invariant: no more of the file is read than a recipe may have, whatever it is.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use theus_yaml::{Limits, Place};

use super::{Book, Leniency, RecipeError, Remark};

/// A file that gives no recipe.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read; [`io::ErrorKind::NotFound`] if there is none.
    #[error("the recipe {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        error: io::Error,
    },
    /// Its content is wrong.
    #[error(transparent)]
    Malformed(#[from] RecipeError),
}

impl Book {
    /// Reads the recipe in the file at `path`, which must be UTF-8.
    ///
    /// # Errors
    /// [`LoadError`] if the file cannot be read or has mistakes.
    ///
    /// ```
    /// use theus_audit::{Book, Leniency, LoadError};
    ///
    /// let error = Book::load("no/such/recipe.yaml".as_ref(), Leniency::Strict).unwrap_err();
    /// assert!(matches!(error, LoadError::Unreadable { .. }));
    /// ```
    pub fn load(path: &Path, leniency: Leniency) -> Result<(Book, Vec<Remark>), LoadError> {
        let unreadable = |error| LoadError::Unreadable { path: path.to_owned(), error };
        let most = Limits::default().bytes as u64;
        let mut bytes = Vec::new();
        // One byte more than allowed is enough to know that there is too much; four, for a whole character.
        File::open(path).and_then(|file| file.take(most + 4).read_to_end(&mut bytes)).map_err(unreadable)?;
        let file = path.display().to_string();
        match str::from_utf8(&bytes) {
            Ok(text) => Ok(Book::parse(text, &file, leniency)?),
            // Cut by us in the middle of a character.
            Err(error) if error.valid_up_to() as u64 > most => {
                let text = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                Ok(Book::parse(&text, &file, leniency)?)
            }
            Err(error) => Err(not_utf8(&bytes[..error.valid_up_to()], &file).into()),
        }
    }
}

/// The mistake right behind what could be read.
fn not_utf8(valid: &[u8], file: &str) -> RecipeError {
    let valid = String::from_utf8_lossy(valid);
    let line = valid.matches('\n').count() + 1;
    let column = valid.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let what = "this is not UTF-8; save the file in that encoding".to_owned();
    let place = Place::Text { line, column };
    let mistake = Remark { file: Some(file.into()), place, what, choices: Vec::new() };
    RecipeError { mistakes: vec![mistake], left_out: 0 }
}
