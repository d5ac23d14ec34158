//! Objects that stay on the board, as handles of the host.

use piton_board::literal::{Value, py_str};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::Arguments;
use super::error::DeviceError;
use super::options::CallOptions;
use super::session::{Declared, Handle, Released, Request};
use super::{Device, for_brackets, lock, read};

/// Keeps a value on the board unless it is one of the types that are values everywhere: `[handle]` or the value.
const EXPOSE: &str =
    "_o.update(p=lambda v,k=_k:v if v is None or type(v)in(int,float,str,bool,bytes)else[k(v)])";

/// An object that is kept on the board for the host. The board lets go of it some time after this is dropped.
pub(super) struct Kept {
    device: Device,
    handle: Handle,
    released: Released,
}

impl Kept {
    pub(super) fn new(device: &Device, number: u32) -> Kept {
        let session = device.session();
        Kept {
            device: device.clone(),
            handle: Handle {
                number,
                epoch: session.epoch(),
            },
            released: session.released(),
        }
    }

    /// The expression that stands for the object.
    pub(super) fn expression(&self) -> Result<String, DeviceError> {
        let mut session = self.device.session();
        session.ensure_ready()?;
        match session.epoch() == self.handle.epoch {
            true => Ok(format!("_o[{}]", self.handle.number)),
            false => Err(DeviceError::ObjectLost),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        lock(&self.released).push(self.handle);
    }
}

/// What an operation of a [`Proxy`] gives.
pub enum ProxyValue {
    /// A value: `None`, a bool, int, float, str or bytes object.
    Value(Value),
    /// Any other object, which stays on the board.
    Object(Proxy),
}

/// An object on the board: see [`Device::proxy`].
///
/// After a reset of the board the object is gone, and operations fail with [`DeviceError::ObjectLost`].
pub struct Proxy {
    kept: Kept,
}

impl Proxy {
    pub(super) fn of(device: &Device, expression: &str) -> Result<Proxy, DeviceError> {
        let expression = for_brackets(expression);
        let handle = evaluate(device, &format!("_k({expression})"))?;
        Ok(Proxy {
            kept: Kept::new(device, read(&handle)?),
        })
    }

    /// Returns the expression that stands for the object in code that the session evaluates, for as long as this proxy is there.
    ///
    /// # Errors
    ///
    /// [`DeviceError::ObjectLost`] after a reset of the board.
    pub fn expression(&self) -> Result<String, DeviceError> {
        self.kept.expression()
    }

    /// Returns an attribute.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval`]; [`DeviceError::ObjectLost`].
    pub fn attribute(&self, name: &str) -> Result<ProxyValue, DeviceError> {
        self.expose(&format!("getattr({},{})", self.object()?, py_str(name)))
    }

    /// Sets an attribute.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn set_attribute(&self, name: &str, value: impl Serialize) -> Result<(), DeviceError> {
        let value = Arguments::text(&self.kept.device, &value)?;
        let expression = format!("setattr({},{},{value})", self.object()?, py_str(name));
        evaluate(&self.kept.device, &expression).map(drop)
    }

    /// Calls the object.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn call(&self, arguments: impl Serialize) -> Result<ProxyValue, DeviceError> {
        let arguments = Arguments::positional(&self.kept.device, &arguments)?;
        self.expose(&format!("{}{arguments}", self.object()?))
    }

    /// Calls a method of the object.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn call_method(
        &self,
        name: &str,
        arguments: impl Serialize,
    ) -> Result<ProxyValue, DeviceError> {
        let arguments = Arguments::positional(&self.kept.device, &arguments)?;
        self.expose(&format!(
            "getattr({},{}){arguments}",
            self.object()?,
            py_str(name)
        ))
    }

    /// Returns the item that a key or an index names.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn item(&self, key: impl Serialize) -> Result<ProxyValue, DeviceError> {
        let key = Arguments::text(&self.kept.device, &key)?;
        self.expose(&format!("{}[{key}]", self.object()?))
    }

    /// Sets the item that a key or an index names.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn set_item(&self, key: impl Serialize, value: impl Serialize) -> Result<(), DeviceError> {
        let key = Arguments::text(&self.kept.device, &key)?;
        let value = Arguments::text(&self.kept.device, &value)?;
        // Lists of a board have no `__setitem__`.
        let object = self.object()?;
        let expression = format!("exec('o[k]=v',{{'o':{object},'k':{key},'v':{value}}})");
        evaluate(&self.kept.device, &expression).map(drop)
    }

    /// Returns the object as a value of the host, where it has a form as a literal.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Value`].
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, DeviceError> {
        read(&evaluate(&self.kept.device, &self.object()?)?)
    }

    /// Returns the value of an expression in which `{}` stands for the object: `len({})`, `{}[1:3]`.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`].
    pub fn eval(&self, expression: &str) -> Result<ProxyValue, DeviceError> {
        self.expose(&expression.replace("{}", &self.object()?))
    }

    fn object(&self) -> Result<String, DeviceError> {
        self.kept.expression()
    }

    fn expose(&self, expression: &str) -> Result<ProxyValue, DeviceError> {
        expose(&self.kept.device, expression)
    }
}

/// Returns the value of an expression, or a proxy if it is an object that can change.
pub(super) fn expose(device: &Device, expression: &str) -> Result<ProxyValue, DeviceError> {
    device.declare_expression(EXPOSE)?;
    let expression = for_brackets(expression);
    let text = evaluate(device, &format!("_o['p']({expression})"))?;
    let handle = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    if let Some(handle) = handle {
        let kept = Kept::new(device, read(handle)?);
        return Ok(ProxyValue::Object(Proxy { kept }));
    }
    read(&text).map(ProxyValue::Value)
}

fn evaluate(device: &Device, expression: &str) -> Result<String, DeviceError> {
    let mut session = device.session();
    let deadline = CallOptions::default().deadline();
    session.call_and_release(Request::evaluate(expression), deadline)
}

impl Device {
    /// Evaluates an expression once in each life of the board's interpreter.
    pub(super) fn declare_expression(&self, expression: &str) -> Result<(), DeviceError> {
        let declared = Declared {
            expression: expression.to_owned(),
            source: None,
        };
        let mut session = self.session();
        session.ensure_ready()?;
        if session.has_declared(&declared) {
            return Ok(());
        }
        let request = Request::evaluate(expression);
        session.call(request, CallOptions::default().deadline())?;
        session.declare(declared);
        Ok(())
    }
}
