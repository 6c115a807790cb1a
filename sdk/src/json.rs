//! A strict reader of JSON (RFC 8259), for text that an attacker may have written.
//!
//! A general reader keeps the last of two members with one name, or the first, and so lets two
//! parties read two things in one token (RFC 8725 section 2.4 and 3.10). This one refuses a second
//! member with the same name at any level, after escapes are decoded. It also bounds depth and the
//! number of members, and keeps a number an integer or nothing. Nested arrays and objects are
//! checked at once and kept as text, so a token that is full of them costs no memory.
//!
//! It does not depend on `serde_json`: features of that crate, which any other crate of the program
//! may switch on, change how numbers reach a visitor.

use std::borrow::Cow;

/// The largest integer that every JSON reader holds exactly (RFC 7493 section 2.2).
pub(crate) const MAX_INTEGER: i64 = (1 << 53) - 1;

/// How much structure a text may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Nested arrays and objects, the outermost included.
    pub(crate) depth: usize,
    /// Members of one object.
    pub(crate) members: usize,
}

/// Why a text was refused. It never holds a piece of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// Two members of one object have the same name.
    Duplicate,
    /// Not JSON, not the kind of value asked for, or beyond the limits.
    Malformed,
}

/// A value. Arrays and objects are checked text, to be read on with [`array`] and [`object`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Array(&'a str),
    Bool(bool),
    /// Written without fraction and exponent, and at most [`MAX_INTEGER`] away from zero.
    Integer(i64),
    Null,
    /// Any other number; its value is of no use to us.
    Number,
    Object(&'a str),
    String(Cow<'a, str>),
}

/// Name and value, in the order of the text; names are unique.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The members of the object that is the whole of `text`, in their order.
pub(crate) fn object(text: &str, limits: Limits) -> Result<Members<'_>, Error> {
    let mut reader = Reader { text, at: 0, limits };
    reader.skip_space();
    let mut members = Vec::with_capacity(16);
    reader.object(limits.depth, &mut members)?;
    reader.end()?;
    Ok(members)
}

/// The elements of the array that is the whole of `text`, in their order.
pub(crate) fn array(text: &str, limits: Limits) -> Result<Vec<Value<'_>>, Error> {
    let mut reader = Reader { text, at: 0, limits };
    reader.skip_space();
    let mut elements = Vec::new();
    reader.array(limits.depth, |value| elements.push(value))?;
    reader.end()?;
    Ok(elements)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    limits: Limits,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Error::Malformed)
        }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(Error::Malformed) }
    }

    /// Both ends are beside ASCII characters that were read, so on character boundaries.
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// `depth` is how many levels may still open, this value's own included.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, Error> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'[') => {
                self.array(depth, drop)?;
                Ok(Value::Array(self.since(start)))
            }
            Some(b'{') => {
                self.object(depth, &mut Vec::new())?;
                Ok(Value::Object(self.since(start)))
            }
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            _ => Err(Error::Malformed),
        }
    }

    fn literal(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, Error> {
        for byte in word.bytes() {
            self.expect(byte)?;
        }
        Ok(value)
    }

    fn array(&mut self, depth: usize, mut each: impl FnMut(Value<'a>)) -> Result<(), Error> {
        let depth = depth.checked_sub(1).ok_or(Error::Malformed)?;
        self.expect(b'[')?;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            each(self.value(depth)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.expect(b']'),
            }
        }
    }

    fn object(&mut self, depth: usize, members: &mut Members<'a>) -> Result<(), Error> {
        let depth = depth.checked_sub(1).ok_or(Error::Malformed)?;
        self.expect(b'{')?;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            // The bound on members keeps this search, which is quadratic, cheap.
            if members.iter().any(|(seen, _)| *seen == name) {
                return Err(Error::Duplicate);
            }
            if members.len() == self.limits.members {
                return Err(Error::Malformed);
            }
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let value = self.value(depth)?;
            members.push((name, value));
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.expect(b'}'),
            }
        }
    }

    fn number(&mut self) -> Result<Value<'a>, Error> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        if negative {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(Error::Malformed),
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            integer = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.since(start);
        // `-0` is a number that integers do not have.
        if !integer || text == "-0" {
            return Ok(Value::Number);
        }
        match text.parse::<i64>() {
            Ok(value) if (-MAX_INTEGER..=MAX_INTEGER).contains(&value) => Ok(Value::Integer(value)),
            _ => Ok(Value::Number),
        }
    }

    /// One or more.
    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(Error::Malformed) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.expect(b'"')?;
        let plain = self.plain();
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                Ok(Cow::Borrowed(plain))
            }
            Some(b'\\') => self.escaped(plain.to_owned()).map(Cow::Owned),
            // Control characters are always written as escapes (RFC 8259 section 7).
            _ => Err(Error::Malformed),
        }
    }

    /// Characters that stand for themselves, up to one that does not. Most of a token is these.
    fn plain(&mut self) -> &'a str {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0x00..=0x1F);
        self.at += rest.iter().position(special).unwrap_or(rest.len());
        self.since(start)
    }

    /// The rest of a string that holds an escape, behind what was `decoded` of it.
    fn escaped(&mut self, mut decoded: String) -> Result<String, Error> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(decoded);
                }
                Some(b'\\') => {
                    self.at += 1;
                    decoded.push(self.escape()?);
                    decoded.push_str(self.plain());
                }
                _ => return Err(Error::Malformed),
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let byte = self.peek().ok_or(Error::Malformed)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let code = match first {
                    0xD800..=0xDBFF => {
                        self.expect(b'\\')?;
                        self.expect(b'u')?;
                        let second = self.hex4()?;
                        if !(0xDC00..=0xDFFF).contains(&second) {
                            return Err(Error::Malformed);
                        }
                        0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                    }
                    _ => first,
                };
                // A lone surrogate is no character, and readers disagree on what to make of it.
                char::from_u32(code).ok_or(Error::Malformed)?
            }
            _ => return Err(Error::Malformed),
        })
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or(Error::Malformed)?;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests;
