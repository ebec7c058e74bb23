//! A view: a place of the snapshot that a body walks; it reads what is touched and nothing else.

use crate::convert::{Style, to_python};
use crate::errors::guard;
use crate::reader::Reader;
use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyMapping, PyString};
use std::sync::Arc;
use theus::{DOMAIN, Path, Reading};

const READ_HINT: &str = "declare it (or a parent) in inputs";
const WRITE_HINT: &str = "contexts are read-only: return the new value or a StateUpdate";

/// A read-only mapping over a place of the state; keys can be read as attributes.
#[pyclass(frozen, mapping, module = "theus.context")]
pub(crate) struct View {
    reader: Arc<Reader>,
    path: Path,
    /// What lies over the place: the call's arguments over the domain, the listed arrays over the heavy zone.
    overlay: Option<Py<PyDict>>,
}

impl View {
    pub(crate) fn new(reader: &Arc<Reader>, path: Path, overlay: Option<Py<PyDict>>) -> Self {
        View { reader: Arc::clone(reader), path, overlay }
    }

    /// The value of a key; None when there is none.
    fn item<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(overlay) = &self.overlay
            && let Some(argument) = overlay.bind(py).get_item(key)?
        {
            return Ok(Some(argument));
        }
        let path = self.path.child(key);
        let (reading, _held) = self.reader.read(py, &path)?;
        match reading {
            Reading::Absent => Ok(None),
            Reading::Refused => Err(self.refused(py, &path)),
            Reading::Keys(_) => Ok(Some(View::new(&self.reader, path, None).into_pyobject(py)?.into_any())),
            Reading::Whole(value) => {
                let style = Style::frozen(
                    self.reader.arrays(),
                    path.to_string(),
                    Some(self.reader.process.name.clone()),
                );
                let style = style.arrays(key, self.reader.may_write(&path));
                to_python(py, &value, &style).map(Some)
            }
        }
    }

    fn refused(&self, py: Python<'_>, path: &Path) -> PyErr {
        guard(py, &self.reader.process.name, &path.to_string(), "Illegal Read", READ_HINT)
    }

    fn refuse_write(&self, py: Python<'_>, key: &str) -> PyErr {
        let path = self.path.child(key).to_string();
        guard(py, &self.reader.process.name, &path, "Illegal Write", WRITE_HINT)
    }

    fn names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let mut names: Vec<String> = match self.reader.read(py, &self.path)?.0 {
            Reading::Absent => Vec::new(),
            Reading::Refused => return Err(self.refused(py, &self.path)),
            Reading::Keys(keys) => keys.iter().map(|key| key.to_string()).collect(),
            Reading::Whole(theus::Value::Map(map)) => map.keys().map(|key| key.to_string()).collect(),
            Reading::Whole(_) => Vec::new(),
        };
        if let Some(overlay) = &self.overlay {
            for name in overlay.bind(py).keys().iter() {
                let name: String = name.extract()?;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// All of it as a dict, views among the values made dicts too.
    pub(crate) fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for name in self.names(py)? {
            if let Some(value) = self.item(py, &name)? {
                match value.cast_exact::<View>() {
                    Ok(view) => dict.set_item(name, view.get().to_dict(py)?)?,
                    Err(_) => dict.set_item(name, thaw(&value)?)?,
                }
            }
        }
        Ok(dict)
    }
}

fn thaw<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static THAW: crate::python::Imported = crate::python::Imported::new("theus.structures", "thaw");
    THAW.get(value.py())?.call1((value,))
}

#[pymethods]
impl View {
    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let Ok(name) = key.cast::<PyString>() else { return Err(PyKeyError::new_err(key.clone().unbind())) };
        self.item(py, name.to_str()?)?.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if name.starts_with("__") {
            return Err(PyAttributeError::new_err(name.to_owned()));
        }
        if name.starts_with('_') {
            return Err(self.refused(py, &self.path.child(name)));
        }
        self.item(py, name)?
            .ok_or_else(|| PyAttributeError::new_err(format!("'{}' has no key '{name}'", self.path)))
    }

    /// The value of a key, or `default`.
    #[pyo3(signature = (key, default = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.item(py, key)?.or(default))
    }

    fn __contains__(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        if let Some(overlay) = &self.overlay
            && overlay.bind(py).contains(key)?
        {
            return Ok(true);
        }
        Ok(!matches!(self.reader.read(py, &self.path.child(key))?.0, Reading::Absent | Reading::Refused))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.names(py).map(|names| names.len())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.keys(py)?.try_iter()
    }

    /// The readable keys.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.names(py)?)
    }

    /// The readable values.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let values = PyList::empty(py);
        for name in self.names(py)? {
            values.append(self.item(py, &name)?)?;
        }
        Ok(values)
    }

    /// The readable keys with their values.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items = PyList::empty(py);
        for name in self.names(py)? {
            let value = self.item(py, &name)?;
            items.append((name, value))?;
        }
        Ok(items)
    }

    /// A deep copy as plain dicts and lists.
    #[pyo3(name = "to_dict")]
    fn py_to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.to_dict(py)
    }

    fn __eq__<'py>(&self, py: Python<'py>, other: &Bound<'py, PyAny>) -> PyResult<bool> {
        if let Ok(view) = other.cast_exact::<View>() {
            return self.to_dict(py)?.eq(view.get().to_dict(py)?);
        }
        match other.cast::<PyMapping>() {
            Ok(_) => self.to_dict(py)?.eq(other),
            Err(_) => Ok(false),
        }
    }

    fn __setitem__(&self, py: Python<'_>, key: &str, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(self.refuse_write(py, key))
    }

    fn __delitem__(&self, py: Python<'_>, key: &str) -> PyResult<()> {
        Err(self.refuse_write(py, key))
    }

    fn __setattr__(&self, py: Python<'_>, name: &str, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(self.refuse_write(py, name))
    }

    fn __delattr__(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        Err(self.refuse_write(py, name))
    }

    /// Refused: contexts are read-only.
    #[pyo3(signature = (*args, **kwargs))]
    fn update(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let _refused_whatever_they_are = (args, kwargs);
        Err(self.refuse_write(py, "*"))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let path = if self.path.is_empty() { "data".to_owned() } else { self.path.to_string() };
        let process = &self.reader.process.name;
        let keys = if self.path.first().is_some_and(|root| &**root == DOMAIN) {
            self.names(py)?
        } else {
            Vec::new()
        };
        Ok(format!("<view of '{path}' in process '{process}' {keys:?}>"))
    }
}
