//! Objects that stay on the board, as handles of the host.

use piton_board::literal::{LiteralError, Value, py_str};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::Arguments;
use super::error::DeviceError;
use super::options::CallOptions;
use super::returned::{Returned, read};
use super::session::{Declared, Handle, Released, Request};
use super::source::Source;
use super::{Device, for_brackets, lock};

/// Keeps a value on the board unless it is one of the types that are values everywhere: `[handle]` or the value.
const EXPOSE: &str =
    "_o.update(p=lambda v,k=_k:v if v is None or type(v)in(int,float,str,bool,bytes)else[k(v)])";

/// Functions for what is no expression. The host leaves them out of tracebacks.
const STATEMENTS: &str =
    "exec('def _piton_s(o,k,v):\\n o[k]=v\\ndef _piton_d(o,k):\\n del o[k]\\n',_o)";

/// An object that is kept on the board for the host. The board lets go of it some time after this is dropped.
pub(super) struct Kept {
    device: Device,
    handle: Handle,
    /// Whether the board does not keep it any more.
    is_taken: bool,
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
                closes: false,
            },
            is_taken: false,
            released: session.released(),
        }
    }

    /// The expression that stands for the object.
    pub(super) fn expression(&self) -> Result<String, DeviceError> {
        Ok(format!("_o[{}]", self.number()?))
    }

    /// The number under which the board keeps the object.
    pub(super) fn number(&self) -> Result<u32, DeviceError> {
        let mut session = self.device.turn()?;
        session.ensure_ready()?;
        match session.epoch() == self.handle.epoch {
            true => Ok(self.handle.number),
            false => Err(DeviceError::ObjectLost),
        }
    }
}

impl Kept {
    /// Returns the handle. The caller has the board let go of the object.
    pub(super) fn take(&mut self) -> Handle {
        self.is_taken = true;
        self.handle
    }

    /// Has the board close the object, a generator, with one of the next calls.
    pub(super) fn close_later(&mut self) {
        if !self.is_taken {
            let handle = Handle {
                closes: true,
                ..self.take()
            };
            lock(&self.released).push(handle);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.is_taken {
            lock(&self.released).push(self.handle);
        }
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
        let expression = format!("_k({expression})");
        let handle = evaluate(device, &expression.as_str().into())?;
        Ok(Proxy {
            kept: Kept::new(device, handle.read()?),
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
        let object = self.object()?;
        self.expose(
            format!("getattr({object},{})", py_str(name))
                .as_str()
                .into(),
        )
    }

    /// Sets an attribute.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn set_attribute(&self, name: &str, value: impl Serialize) -> Result<(), DeviceError> {
        let mut code = Arguments::new();
        code.push(&value)?;
        let mut code = code.after(&format!("setattr({},{},", self.object()?, py_str(name)));
        code.push_code(")");
        evaluate(&self.kept.device, &code).map(drop)
    }

    /// Calls the object.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn call(&self, arguments: impl Serialize) -> Result<ProxyValue, DeviceError> {
        let arguments = Arguments::positional(&arguments)?;
        self.expose(arguments.after(&self.object()?))
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
        let arguments = Arguments::positional(&arguments)?;
        let method = format!("getattr({},{})", self.object()?, py_str(name));
        self.expose(arguments.after(&method))
    }

    /// Returns the item that a key or an index names.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn item(&self, key: impl Serialize) -> Result<ProxyValue, DeviceError> {
        let mut code = Arguments::new();
        code.push(&key)?;
        code.push_code("]");
        self.expose(code.after(&format!("{}[", self.object()?)))
    }

    /// Sets the item that a key or an index names.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Argument`].
    pub fn set_item(&self, key: impl Serialize, value: impl Serialize) -> Result<(), DeviceError> {
        let mut code = Arguments::new();
        code.push_code(&format!("({},", self.object()?));
        code.push(&key)?;
        code.push_code(",");
        code.push(&value)?;
        code.push_code(")");
        self.kept.device.set_item(code)
    }

    /// Returns the object as a value of the host, where it has a form as a literal.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`]; [`DeviceError::Value`].
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, DeviceError> {
        evaluate(&self.kept.device, &self.object()?.as_str().into())?.read()
    }

    /// Returns the value of an expression in which `{}` stands for the object: `len({})`, `{}[1:3]`.
    ///
    /// # Errors
    ///
    /// As for [`Proxy::attribute`].
    pub fn eval(&self, expression: &str) -> Result<ProxyValue, DeviceError> {
        let expression = expression.replace("{}", &self.object()?);
        self.expose(expression.as_str().into())
    }

    fn object(&self) -> Result<String, DeviceError> {
        self.kept.expression()
    }

    fn expose(&self, expression: Arguments) -> Result<ProxyValue, DeviceError> {
        expose(&self.kept.device, expression)
    }
}

/// Returns the value of an expression, or a proxy if it is an object that can change.
pub(super) fn expose(device: &Device, expression: Arguments) -> Result<ProxyValue, DeviceError> {
    if !device.session().can_serve() {
        return expose_kept(device, expression);
    }
    device.declare_expression(EXPOSE)?;
    let mut call = expression.after("_o['p'](");
    call.push_code(")");
    let returned = evaluate(device, &call)?;
    let handle = match &returned {
        Returned::Text(text) => text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']')),
        Returned::Value(_) => None,
    };
    if let Some(handle) = handle {
        let kept = Kept::new(device, read(handle)?);
        return Ok(ProxyValue::Object(Proxy { kept }));
    }
    returned.into_value().map(ProxyValue::Value)
}

/// The same in two calls, for boards whose parsers have no room for [`EXPOSE`].
fn expose_kept(device: &Device, expression: Arguments) -> Result<ProxyValue, DeviceError> {
    let mut call = expression.after("_k(");
    call.push_code(")");
    let kept = Kept::new(device, evaluate(device, &call)?.read()?);
    let object = kept.expression()?;
    let is_value = format!("type({object})in(type(None),int,float,str,bool,bytes)");
    match evaluate(device, &is_value.as_str().into())?.read()? {
        true => evaluate(device, &object.as_str().into())?
            .into_value()
            .map(ProxyValue::Value),
        false => Ok(ProxyValue::Object(Proxy { kept })),
    }
}

fn evaluate(device: &Device, expression: &Arguments) -> Result<Returned, DeviceError> {
    let mut session = device.turn()?;
    let deadline = CallOptions::default().deadline();
    let request = Request {
        data: expression.data(),
        ..Request::evaluate(expression.code())
    };
    session.call_and_release(request, deadline)
}

impl Device {
    /// Returns the value of an expression with values of the host in it.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval`]; [`DeviceError::ObjectLost`].
    pub fn eval_code(&self, code: &Arguments) -> Result<Returned, DeviceError> {
        let request = Request {
            data: code.data(),
            ..Request::of_user(code.code())
        };
        self.turn()?
            .call_and_release(request, CallOptions::default().deadline())
    }

    /// Returns the value of an expression with values of the host in it, or a proxy if it is an object that can change.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval_code`].
    pub fn expose_code(&self, code: Arguments) -> Result<ProxyValue, DeviceError> {
        expose(self, code)
    }

    /// Sets an item of an object: the code is a tuple of the object, the key and the value.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval_code`].
    pub fn set_item(&self, operands: Arguments) -> Result<(), DeviceError> {
        let statement = "_piton_t[0][_piton_t[1]]=_piton_t[2]";
        self.state("_o['_piton_s']", operands, statement)
    }

    /// Deletes an item of an object: the code is a tuple of the object and the key.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval_code`].
    pub fn delete_item(&self, operands: Arguments) -> Result<(), DeviceError> {
        let statement = "del _piton_t[0][_piton_t[1]]";
        self.state("_o['_piton_d']", operands, statement)
    }

    /// Deletes an attribute of the object that the code gives.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval_code`]; [`DeviceError::Argument`] for a name that is not an identifier.
    pub fn delete_attribute(&self, mut object: Arguments, name: &str) -> Result<(), DeviceError> {
        let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
        if name.is_empty()
            || name.starts_with(|first: char| first.is_numeric())
            || !name.chars().all(is_letter)
        {
            let message = format!("`{name}` is not the name of an attribute");
            return Err(DeviceError::Argument(LiteralError::Unsupported { message }));
        }
        object.push_code(&format!(",{})", py_str(name)));
        let statement = format!("del _piton_t[0].{name}");
        self.state("delattr", object.after("("), &statement)
    }

    /// Has the function do something with the operands. A board that is too small for device/serve.py executes the statement: an
    /// `exec` inside of a call is too much for its stack, and it has no `delattr`.
    fn state(
        &self,
        function: &str,
        operands: Arguments,
        statement: &str,
    ) -> Result<(), DeviceError> {
        let can_serve = self.session().can_serve();
        if can_serve {
            self.declare_expression(STATEMENTS)?;
            return evaluate(self, &operands.after(function)).map(drop);
        }
        let mut code = operands.after("globals().update(_piton_t=");
        code.push_code(")");
        let source = Source::new(format!("try:\n {statement}\nfinally:\n del _piton_t\n"));
        let request = Request {
            data: code.data(),
            source: Some(&source),
            ..Request::evaluate(code.code())
        };
        let deadline = CallOptions::default().deadline();
        let mut session = self.turn()?;
        session.call_and_release(request, deadline).map(drop)
    }

    /// Evaluates an expression once in each life of the board's interpreter.
    pub(super) fn declare_expression(&self, expression: &str) -> Result<(), DeviceError> {
        let declared = Declared::expression(expression, true);
        let mut session = self.turn()?;
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
