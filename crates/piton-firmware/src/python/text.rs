//! `str`, `repr` and formatting.

use super::interpreter::Interpreter;
use super::value::{Arguments, Throw, Value};

/// Returns whether `repr` escapes a character. CPython asks the tables of Unicode; here stand the ranges that occur in practice.
pub(crate) fn is_unprintable(character: char) -> bool {
    let code = u32::from(character);
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(code,
            0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f
            | 0xd800..=0xf8ff | 0xfeff | 0xfff0..=0xfffb | 0xfffe..=0xffff | 0xe0000..=0x0010_ffff)
}

/// Returns `repr` of a `str`.
pub(crate) fn text_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut output = String::from(quote);
    for character in text.chars() {
        let code = u32::from(character);
        match character {
            '\\' => output.push_str("\\\\"),
            '\n' => output.push_str("\\n"),
            '\r' => output.push_str("\\r"),
            '\t' => output.push_str("\\t"),
            _ if character == quote => {
                output.push('\\');
                output.push(character);
            }
            _ if !is_unprintable(character) => output.push(character),
            _ if code < 0x100 => output.push_str(&format!("\\x{code:02x}")),
            _ if code < 0x1_0000 => output.push_str(&format!("\\u{code:04x}")),
            _ => output.push_str(&format!("\\U{code:08x}")),
        }
    }
    output.push(quote);
    output
}

/// Returns `repr` of a `bytes`.
pub(crate) fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut output = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => output.push_str("\\\\"),
            b'\n' => output.push_str("\\n"),
            b'\r' => output.push_str("\\r"),
            b'\t' => output.push_str("\\t"),
            _ if char::from(byte) == quote => {
                output.push('\\');
                output.push(quote);
            }
            0x20..=0x7e => output.push(char::from(byte)),
            _ => output.push_str(&format!("\\x{byte:02x}")),
        }
    }
    output.push(quote);
    output
}

/// Returns `repr` of a `float`.
pub(crate) fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

impl Interpreter {
    /// Returns `str(value)`.
    pub(crate) fn text(&mut self, value: &Value) -> Result<String, Throw> {
        match value {
            Value::Text(text) | Value::Path(text) => Ok(text.to_string()),
            Value::Instance(instance) => {
                if instance.class.is_below("BaseException") {
                    return self.exception_text(&instance.clone());
                }
                match instance.class.find("__str__") {
                    Some(method) => {
                        let text = self.call(&method, Arguments::of(vec![value.clone()]))?;
                        self.text(&text)
                    }
                    None => self.repr(value),
                }
            }
            Value::Metadata(frame) => {
                let fields = frame.borrow().clone();
                let mut output = String::new();
                for (name, field) in [
                    "version",
                    "description",
                    "license",
                    "author",
                    "pypi",
                    "pypi_publish",
                ]
                .into_iter()
                .zip(fields.fields())
                {
                    if !output.is_empty() {
                        output.push(' ');
                    }
                    output.push_str(&format!("{name}={}", self.text(&field)?));
                }
                Ok(output)
            }
            other => self.repr(other),
        }
    }

    /// Returns `repr(value)`.
    pub(crate) fn repr(&mut self, value: &Value) -> Result<String, Throw> {
        if self.depth > 250 {
            return Err(Throw::new(
                "RecursionError",
                "maximum recursion depth exceeded",
            ));
        }
        self.depth += 1;
        let result = self.repr_of(value);
        self.depth -= 1;
        result
    }

    fn repr_of(&mut self, value: &Value) -> Result<String, Throw> {
        Ok(match value {
            Value::None => "None".to_owned(),
            Value::Ellipsis => "Ellipsis".to_owned(),
            Value::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => float_repr(*value),
            Value::Text(text) => text_repr(text),
            Value::Bytes(bytes) => bytes_repr(bytes),
            Value::List(items) => {
                let items = items.borrow().clone();
                format!("[{}]", self.joined_repr(&items)?)
            }
            Value::Tuple(items) if items.len() == 1 => format!("({},)", self.joined_repr(items)?),
            Value::Tuple(items) => format!("({})", self.joined_repr(items)?),
            Value::Dict(dict) => {
                let dict = dict.borrow().clone();
                let mut parts = Vec::new();
                for (key, value) in dict.entries() {
                    parts.push(format!("{}: {}", self.repr(key)?, self.repr(value)?));
                }
                format!("{{{}}}", parts.join(", "))
            }
            Value::Set(set) => {
                let items = set.borrow().keys();
                if items.is_empty() {
                    "set()".to_owned()
                } else {
                    format!("{{{}}}", self.joined_repr(&items)?)
                }
            }
            Value::FrozenSet(set) => {
                let items = set.keys();
                if items.is_empty() {
                    "frozenset()".to_owned()
                } else {
                    format!("frozenset({{{}}})", self.joined_repr(&items)?)
                }
            }
            Value::Range(start, stop, 1) => format!("range({start}, {stop})"),
            Value::Range(start, stop, step) => format!("range({start}, {stop}, {step})"),
            Value::Path(path) => format!("PosixPath({})", text_repr(path)),
            Value::Type(name) => format!("<class '{name}'>"),
            Value::Class(class) if self.exceptions.class(&class.name).is_some() => {
                format!("<class '{}'>", class.name)
            }
            Value::Instance(instance) if instance.class.is_below("BaseException") => {
                let arguments = instance.attributes.borrow().get("args").cloned();
                let Some(Value::Tuple(arguments)) = arguments else {
                    return Ok(format!("{}()", instance.class.name));
                };
                format!("{}({})", instance.class.name, self.joined_repr(&arguments)?)
            }
            Value::Instance(instance) if instance.class.find("__repr__").is_some() => {
                let method = instance.class.find("__repr__").unwrap_or(Value::None);
                let text = self.call(&method, Arguments::of(vec![value.clone()]))?;
                self.text(&text)?
            }
            Value::Module(module) => format!("<module '{}'>", module.name),
            Value::Foreign(foreign) => foreign.1.clone(),
            // The rest have addresses in their text.
            other => {
                return Err(Throw::unsupported(format!(
                    "the text of a {}",
                    other.type_name()
                )));
            }
        })
    }

    fn joined_repr(&mut self, items: &[Value]) -> Result<String, Throw> {
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            parts.push(self.repr(item)?);
        }
        Ok(parts.join(", "))
    }

    /// Returns a value as a replacement field shows it.
    pub(super) fn converted(
        &mut self,
        value: &Value,
        conversion: Option<char>,
        specification: &str,
    ) -> Result<String, Throw> {
        let value = match conversion {
            Some('r' | 'a') => Value::text(self.repr(value)?),
            Some(_) => Value::text(self.text(value)?),
            None => value.clone(),
        };
        self.format(&value, specification)
    }

    /// Returns `format(value, specification)`.
    pub(super) fn format(&mut self, value: &Value, specification: &str) -> Result<String, Throw> {
        if specification.is_empty() {
            return self.text(value);
        }
        let form = Specification::parse(specification)?;
        match value {
            Value::Text(text) => form.text(text),
            Value::Int(number) => form.integer(*number),
            Value::Bool(flag) if form.kind.is_none() => {
                form.text(if *flag { "True" } else { "False" })
            }
            Value::Bool(flag) => form.integer(i64::from(*flag)),
            Value::Float(number) => form.float(*number),
            other => Err(Throw::type_error(format!(
                "unsupported format string passed to {}.__format__",
                other.type_name()
            ))),
        }
    }

    /// `format % values`
    pub(super) fn percent_format(&mut self, format: &str, values: &Value) -> Result<String, Throw> {
        let (items, single) = match values {
            Value::Tuple(items) => (items.to_vec(), false),
            other => (vec![other.clone()], true),
        };
        let mut items = items.into_iter();
        let mut output = String::new();
        let mut rest = format;
        let mut used_mapping = false;
        while let Some(at) = rest.find('%') {
            output.push_str(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            let mut mapped = None;
            if let Some(behind) = rest.strip_prefix('(') {
                let Some((name, tail)) = behind.split_once(')') else {
                    return Err(Throw::new("ValueError", "incomplete format key"));
                };
                let Value::Dict(dict) = values else {
                    return Err(Throw::type_error("format requires a mapping"));
                };
                let key = Value::text(name);
                let found = dict.borrow().get(&key)?;
                let Some(found) = found else {
                    return Err(Throw::Object(self.exceptions.make("KeyError", vec![key])));
                };
                mapped = Some(found);
                used_mapping = true;
                rest = tail;
            }
            let flags = rest.len() - rest.trim_start_matches(['-', '+', ' ', '0', '#']).len();
            let numbers = rest.get(flags..).unwrap_or_default();
            let length = flags + numbers.len()
                - numbers
                    .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                    .len();
            let (form, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            let Some(kind) = tail.chars().next() else {
                return Err(Throw::new("ValueError", "incomplete format"));
            };
            rest = tail.get(kind.len_utf8()..).unwrap_or_default();
            if kind == '%' {
                output.push('%');
                continue;
            }
            let value = match mapped.or_else(|| items.next()) {
                Some(value) => value,
                None => return Err(Throw::type_error("not enough arguments for format string")),
            };
            output.push_str(&self.percent_item(form, kind, &value)?);
        }
        output.push_str(rest);
        if items.next().is_some()
            && !used_mapping
            && !(single && matches!(values, Value::Dict(_) | Value::List(_)))
        {
            return Err(Throw::type_error(
                "not all arguments converted during string formatting",
            ));
        }
        Ok(output)
    }

    fn percent_item(&mut self, form: &str, kind: char, value: &Value) -> Result<String, Throw> {
        let left = form.contains('-');
        let mut specification = form.replace('-', "");
        match kind {
            's' | 'r' | 'a' => {
                let text = if kind == 's' {
                    self.text(value)?
                } else {
                    self.repr(value)?
                };
                let align = if left { '<' } else { '>' };
                let specification = if specification.is_empty() {
                    String::new()
                } else {
                    format!("{align}{specification}")
                };
                self.format(&Value::text(text), &specification)
            }
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'f' | 'F' | 'e' | 'g' | 'G' => {
                let number = match (kind, value) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "%d cuts off, as in Python"
                    )]
                    ('d' | 'i' | 'u', Value::Float(number)) => Value::Int(*number as i64),
                    (_, Value::Bool(flag)) => Value::Int(i64::from(*flag)),
                    (_, Value::Int(_) | Value::Float(_)) => value.clone(),
                    ('d' | 'i' | 'u', other) => {
                        let message = format!(
                            "%{kind} format: a real number is required, not {}",
                            other.type_name()
                        );
                        return Err(Throw::type_error(message));
                    }
                    ('x' | 'X' | 'o', other) => {
                        let message = format!(
                            "%{kind} format: an integer is required, not {}",
                            other.type_name()
                        );
                        return Err(Throw::type_error(message));
                    }
                    (_, other) => {
                        return Err(Throw::type_error(format!(
                            "must be real number, not {}",
                            other.type_name()
                        )));
                    }
                };
                if left {
                    specification = format!("<{}", specification.trim_start_matches('0'));
                }
                let kind = if matches!(kind, 'i' | 'u') { 'd' } else { kind };
                self.format(&number, &format!("{specification}{kind}"))
            }
            'c' => self.text(value),
            other => Err(Throw::new(
                "ValueError",
                format!(
                    "unsupported format character '{other}' (0x{:x})",
                    u32::from(other)
                ),
            )),
        }
    }
}

/// `[[fill]align][sign][#][0][width][,][.precision][type]`
struct Specification {
    fill: char,
    align: Option<char>,
    sign: char,
    alternate: bool,
    width: usize,
    grouped: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Specification {
    fn parse(source: &str) -> Result<Specification, Throw> {
        let characters: Vec<char> = source.chars().collect();
        let at = |index: usize| characters.get(index).copied();
        let mut index = 0;
        let is_align = |character: Option<char>| matches!(character, Some('<' | '>' | '^' | '='));
        let mut form = Specification {
            fill: ' ',
            align: None,
            sign: '-',
            alternate: false,
            width: 0,
            grouped: None,
            precision: None,
            kind: None,
        };
        if is_align(at(1)) {
            form.fill = at(0).unwrap_or(' ');
            form.align = at(1);
            index = 2;
        } else if is_align(at(0)) {
            form.align = at(0);
            index = 1;
        }
        if let Some(sign @ ('+' | '-' | ' ')) = at(index) {
            form.sign = sign;
            index += 1;
        }
        if at(index) == Some('#') {
            form.alternate = true;
            index += 1;
        }
        if at(index) == Some('0') {
            if form.align.is_none() {
                form.fill = '0';
                form.align = Some('=');
            }
            index += 1;
        }
        let number = |index: &mut usize| {
            let mut value = 0_usize;
            while let Some(digit) = at(*index).and_then(|character| character.to_digit(10)) {
                value = value.saturating_mul(10).saturating_add(digit as usize);
                *index += 1;
            }
            value.min(1 << 20)
        };
        form.width = number(&mut index);
        if let Some(group @ (',' | '_')) = at(index) {
            form.grouped = Some(group);
            index += 1;
        }
        if at(index) == Some('.') {
            index += 1;
            if !at(index).is_some_and(|character| character.is_ascii_digit()) {
                return Err(Throw::new(
                    "ValueError",
                    "Format specifier missing precision",
                ));
            }
            form.precision = Some(number(&mut index));
        }
        form.kind = at(index);
        if index + 1 < characters.len() {
            return Err(Throw::new("ValueError", "Invalid format specifier"));
        }
        Ok(form)
    }

    fn unknown(&self, name: &str) -> Throw {
        let kind = self.kind.unwrap_or(' ');
        Throw::new(
            "ValueError",
            format!("Unknown format code '{kind}' for object of type '{name}'"),
        )
    }

    fn text(&self, text: &str) -> Result<String, Throw> {
        if self.kind.is_some_and(|kind| kind != 's') {
            return Err(self.unknown("str"));
        }
        let cut: String = match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        if self.align == Some('=') && self.fill != '0' {
            return Err(Throw::new(
                "ValueError",
                "'=' alignment not allowed in string format specifier",
            ));
        }
        Ok(self.pad("", &cut, '<'))
    }

    fn integer(&self, number: i64) -> Result<String, Throw> {
        let magnitude = number.unsigned_abs();
        let (prefix, digits) = match self.kind.unwrap_or('d') {
            'd' | 'n' => ("", magnitude.to_string()),
            'x' => ("0x", format!("{magnitude:x}")),
            'X' => ("0X", format!("{magnitude:X}")),
            'o' => ("0o", format!("{magnitude:o}")),
            'b' => ("0b", format!("{magnitude:b}")),
            'c' => {
                let character = u32::try_from(number).ok().and_then(char::from_u32);
                let character = character
                    .ok_or_else(|| Throw::new("OverflowError", "%c arg not in range(0x110000)"))?;
                return Ok(self.pad("", &character.to_string(), '<'));
            }
            #[expect(clippy::cast_precision_loss, reason = "Python converts to a float")]
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' | '%' => return self.float(number as f64),
            _ => return Err(self.unknown("int")),
        };
        let digits = self.group(&digits);
        let mut sign = self.sign_of(number < 0);
        if self.alternate {
            sign.push_str(prefix);
        }
        Ok(self.pad(&sign, &digits, '>'))
    }

    fn float(&self, number: f64) -> Result<String, Throw> {
        let magnitude = number.abs();
        let precision = self.precision.unwrap_or(6);
        let digits = match self.kind {
            Some('f' | 'F') => format!("{magnitude:.precision$}"),
            Some('%') => format!("{:.precision$}%", magnitude * 100.0),
            Some(kind @ ('e' | 'E')) => {
                let text = format!("{magnitude:.precision$e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let exponent: i32 = exponent.parse().unwrap_or(0);
                let sign = if exponent < 0 { '-' } else { '+' };
                format!("{digits}{kind}{sign}{:02}", exponent.abs())
            }
            None if self.precision.is_none() => float_repr(magnitude),
            None | Some('g' | 'G') => return Err(Throw::unsupported("a float with format g")),
            _ => return Err(self.unknown("float")),
        };
        let (whole, fraction) = digits
            .split_once('.')
            .map_or((digits.as_str(), None), |(whole, rest)| (whole, Some(rest)));
        let mut shown = self.group(whole);
        if let Some(fraction) = fraction {
            shown.push('.');
            shown.push_str(fraction);
        }
        Ok(self.pad(&self.sign_of(number.is_sign_negative()), &shown, '>'))
    }

    fn sign_of(&self, negative: bool) -> String {
        match (negative, self.sign) {
            (true, _) => "-".to_owned(),
            (false, '+') => "+".to_owned(),
            (false, ' ') => " ".to_owned(),
            _ => String::new(),
        }
    }

    fn group(&self, digits: &str) -> String {
        let Some(separator) = self.grouped else {
            return digits.to_owned();
        };
        let mut output = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                output.push(separator);
            }
            output.push(digit);
        }
        output
    }

    fn pad(&self, sign: &str, text: &str, default: char) -> String {
        let length = sign.chars().count() + text.chars().count();
        let missing = self.width.saturating_sub(length);
        let fill = |count: usize| self.fill.to_string().repeat(count);
        match self.align.unwrap_or(default) {
            '<' => format!("{sign}{text}{}", fill(missing)),
            '^' => format!(
                "{}{sign}{text}{}",
                fill(missing / 2),
                fill(missing - missing / 2)
            ),
            '=' => format!("{sign}{}{text}", fill(missing)),
            _ => format!("{}{sign}{text}", fill(missing)),
        }
    }
}
