//! A file of data: what its pickle describes, and the bytes of its tensors and arrays where they lie.

use crate::machine::{Dtype, Pickle, RawArray, RawView, Ref, Value};
use crate::view::{Kind, View};
use crate::{MOST_NAME, PickleError, Places, archive, legacy, place, shown, unreadable};
use std::borrow::Cow;
use std::io::Cursor;

/// What a pickle describes.
pub struct Document<'a> {
    pickle: Pickle<'a>,
    /// The whole file, in which storages lie.
    bytes: &'a [u8],
    places: Places,
}

/// A value of a document.
#[derive(Debug)]
pub enum Node<'d> {
    /// A tensor or array of numbers or strings.
    Array(Array<'d>),
    /// A number that is not whole, or was not written as such.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(&'d str),
    /// Values in order.
    List(&'d [Ref]),
    /// Keys with their values.
    Map(&'d [(Ref, Ref)]),
    /// Anything else, in words.
    Other(String),
}

/// The elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Numbers.
    Number(Kind),
    /// Strings of so many characters of four bytes.
    Characters(usize),
    /// Strings of so many bytes.
    Bytes(usize),
}

impl Element {
    fn width(self) -> usize {
        match self {
            Self::Number(kind) => kind.size(),
            Self::Characters(count) => count.saturating_mul(4),
            Self::Bytes(count) => count,
        }
    }
}

/// An array with its bytes.
#[derive(Debug)]
pub struct Array<'d> {
    /// What it holds.
    pub element: Element,
    /// Its sides.
    pub shape: Vec<usize>,
    /// Whether the bytes of a number begin with its highest.
    pub big_endian: bool,
    /// Whether columns lie after columns.
    pub fortran: bool,
    /// As many as the shape says.
    pub bytes: Cow<'d, [u8]>,
}

impl<'a> Document<'a> {
    /// Reads what a file of `torch.save` or `pickle.dump` describes.
    ///
    /// # Errors
    /// See [`PickleError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, PickleError> {
        let (pickle, places) = match bytes {
            [b'P', b'K', 3, 4, ..] => {
                let (pickle, places) = archive::index(Cursor::new(bytes))?;
                (Pickle::read_data(within(bytes, &pickle))?, places)
            }
            [0x80, ..] if legacy::is_stream(bytes) => {
                legacy::index(bytes, &mut Cursor::new(bytes))?
            }
            [0x80, ..] => (alone(bytes)?, Places::new()),
            _ => return Err(PickleError::Container(unknown(bytes))),
        };
        Ok(Self {
            pickle,
            bytes,
            places,
        })
    }

    /// The value that holds all others.
    #[must_use]
    pub fn root(&self) -> Ref {
        self.pickle.root()
    }

    /// One value.
    ///
    /// # Errors
    /// [`PickleError::Tensor`] where a tensor or array contradicts its bytes.
    pub fn node(&self, at: Ref) -> Result<Node<'_>, PickleError> {
        Ok(match self.pickle.value(at) {
            Value::Int(number) => Node::Integer(*number),
            Value::Float(number) => Node::Number(*number),
            Value::Text(text) => Node::Text(text),
            Value::Tuple(items) | Value::List(items) => Node::List(items),
            Value::Dictionary(entries) => Node::Map(entries),
            Value::Tensor(view) => self.tensor(*view).map_err(|it| unreadable("", &it))?,
            Value::Array(Some(array)) => self.array(*array).map_err(|it| unreadable("", &it))?,
            Value::Scalar { dtype, bytes } => self.scalar(*dtype, *bytes),
            Value::Bool(_) => Node::Other("bool".to_owned()),
            Value::Bytes(_) => Node::Other("bytes".to_owned()),
            _ => Node::Other("none, or an object that is no array".to_owned()),
        })
    }

    /// Shape and type of a value in words, without its bytes.
    #[must_use]
    pub fn describe(&self, at: Ref) -> String {
        match self.node(at) {
            Ok(Node::Array(array)) => format!("{} {}", array.element.name(), sides(&array.shape)),
            Ok(Node::Number(_) | Node::Integer(_)) => "number".to_owned(),
            Ok(Node::Text(_)) => "string".to_owned(),
            Ok(Node::List(items)) => format!("list of {}", items.len()),
            Ok(Node::Map(entries)) => format!("dictionary of {}", entries.len()),
            Ok(Node::Other(what)) => what,
            Err(error) => error.to_string(),
        }
    }

    fn tensor(&self, raw: RawView) -> Result<Node<'_>, String> {
        if let Some(stream) = raw.stream(&self.pickle) {
            return self.in_a_stream(raw, stream);
        }
        let stored = place(raw.view(&self.pickle)?, &self.places)?;
        let start = usize::try_from(stored.start).map_err(|it| it.to_string())?;
        let storage = self.bytes.get(start..).unwrap_or_default();
        Ok(Node::Array(seen(stored.view, storage)?))
    }

    /// A tensor that `pickle.dump` wrote: its storage is a stream of its own, as bytes.
    fn in_a_stream(&self, raw: RawView, stream: Ref) -> Result<Node<'_>, String> {
        let Value::Bytes(bytes) = self.pickle.value(stream) else {
            return Err("its storage is not in bytes".to_owned());
        };
        let read = legacy::index(bytes, &mut Cursor::new(bytes));
        let (content, places) = read.map_err(|it| it.to_string())?;
        let Value::Storage { kind, key, items } = content.value(content.root()) else {
            return Err("its stream holds no storage".to_owned());
        };
        let stored = place(raw.of(&self.pickle, (kind, key, items))?, &places)?;
        let start = usize::try_from(stored.start).map_err(|it| it.to_string())?;
        Ok(Node::Array(seen(
            stored.view,
            bytes.get(start..).unwrap_or_default(),
        )?))
    }

    fn array(&self, raw: RawArray) -> Result<Node<'_>, String> {
        let shape = self.pickle.sizes(raw.shape, "shape")?;
        let (element, big_endian) = match self.element(raw.dtype) {
            Ok(found) => found,
            // Of Python's objects, which lie in a list.
            Err(name) if name == "object" => return Ok(self.objects(raw, &shape)),
            Err(name) => return Ok(Node::Other(format!("array of {name}"))),
        };
        let bytes: Cow<'_, [u8]> = match self.pickle.value(raw.bytes) {
            Value::Bytes(bytes) => Cow::Borrowed(bytes),
            // Of Python 2, where bytes that happen to be ASCII are a text.
            Value::Text(text) => Cow::Borrowed(text.as_bytes()),
            _ => return Err("its values are not in bytes".to_owned()),
        };
        let count = shape
            .iter()
            .try_fold(element.width(), |all, &side| all.checked_mul(side));
        if count != Some(bytes.len()) {
            return Err(format!(
                "shape {} contradicts its {} bytes",
                sides(&shape),
                bytes.len()
            ));
        }
        Ok(Node::Array(Array {
            element,
            shape,
            big_endian,
            fortran: raw.fortran,
            bytes,
        }))
    }

    fn objects(&self, raw: RawArray, shape: &[usize]) -> Node<'_> {
        match (self.pickle.value(raw.bytes), shape) {
            (Value::List(items), [count]) if items.len() == *count => Node::List(items),
            _ => Node::Other("array of object".to_owned()),
        }
    }

    /// What an array of a type holds and its byte order, or the name of a type that is not read.
    fn element(&self, dtype: Ref) -> Result<(Element, bool), String> {
        let Value::Dtype(Dtype {
            name,
            big_endian,
            record,
        }) = self.pickle.value(dtype)
        else {
            return Err("unknown type".to_owned());
        };
        let name = match self.pickle.value(*name) {
            _ if *record => return Err("records".to_owned()),
            Value::Text(name) => *name,
            Value::Global(crate::globals::Global::Bfloat16) => "bfloat16",
            _ => return Err("unknown type".to_owned()),
        };
        let element = named(name).ok_or_else(|| spelled(name))?;
        Ok((element, *big_endian))
    }

    /// One number of NumPy's.
    fn scalar(&self, dtype: Ref, bytes: Ref) -> Node<'_> {
        let other = || Node::Other("number of another type".to_owned());
        let (Ok((Element::Number(kind), false)), Value::Bytes(bytes)) =
            (self.element(dtype), self.pickle.value(bytes))
        else {
            return other();
        };
        number(kind, bytes).unwrap_or_else(other)
    }
}

impl Element {
    /// The type by the name that people use.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Number(kind) => spelled(kind.name()),
            Self::Characters(_) => "string".to_owned(),
            Self::Bytes(_) => "bytes".to_owned(),
        }
    }
}

/// `(100, 512)`, as Python prints it.
fn sides(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => {
            let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
            format!("({})", sides.join(", "))
        }
    }
}

fn within<'a>(bytes: &'a [u8], range: &std::ops::Range<u64>) -> &'a [u8] {
    let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
    let range = start.ok().zip(end.ok());
    range
        .and_then(|(start, end)| bytes.get(start..end))
        .unwrap_or_default()
}

/// A pickle that is a file by itself.
fn alone(bytes: &[u8]) -> Result<Pickle<'_>, PickleError> {
    let pickle = Pickle::read_data(bytes)?;
    match bytes.len() - pickle.end() {
        0 => Ok(pickle),
        more => Err(PickleError::Container(format!(
            "{more} bytes follow the pickle: several were written one after the other, of which one is read; write one list"
        ))),
    }
}

fn unknown(bytes: &[u8]) -> String {
    match bytes.first() {
        Some(b'(' | b'c' | b']' | b'}' | b'l' | b'd') => {
            "a pickle of protocol 0 or 1; write it with pickle.dump(it, file, protocol=4)"
                .to_owned()
        }
        _ => "neither a pickle nor a file that torch.save writes".to_owned(),
    }
}

/// The part of a storage that a tensor sees.
fn seen(view: View, storage: &[u8]) -> Result<Array<'_>, String> {
    let size = view.kind.size();
    let start = view.offset.saturating_mul(size);
    let end = start.saturating_add(view.extent().saturating_mul(size));
    let bytes = storage.get(start..end).ok_or("its storage is cut short")?;
    let bytes = view.pack(Cow::Borrowed(bytes));
    Ok(Array {
        element: Element::Number(view.kind),
        shape: view.shape,
        big_endian: false,
        fortran: false,
        bytes,
    })
}

/// What NumPy's short name stands for.
fn named(name: &str) -> Option<Element> {
    if let Some(kind) = Kind::of_numpy(name) {
        return Some(Element::Number(kind));
    }
    let count = |letter| {
        name.strip_prefix(letter)
            .and_then(|it: &str| it.parse().ok())
    };
    count('U')
        .map(Element::Characters)
        .or(count('S').map(Element::Bytes))
}

/// A type as NumPy prints it.
fn spelled(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("bf") {
        return format!("bfloat{rest}");
    }
    let letter = lower.get(..1).unwrap_or_default();
    let count: Option<usize> = lower.get(1..).and_then(|it| it.parse().ok());
    // Short names count bytes, those of storages bits.
    let short = name == lower;
    let bits = count.map(|it| if short { it.saturating_mul(8) } else { it });
    match (letter, bits) {
        ("f", Some(bits)) => format!("float{bits}"),
        ("i", Some(bits)) => format!("int{bits}"),
        ("u", Some(bits)) => format!("uint{bits}"),
        ("c", Some(bits)) => format!("complex{bits}"),
        ("o", _) => "object".to_owned(),
        ("m", _) => "dates".to_owned(),
        ("b", _) => "bool".to_owned(),
        _ => shown(&name.chars().take(MOST_NAME).collect::<String>()),
    }
}

fn number(kind: Kind, bytes: &[u8]) -> Option<Node<'static>> {
    let wide = || {
        let mut wide = [0; 8];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(wide)
    };
    let word = wide()?;
    let signed = |bits: u32| (i64::from_le_bytes(word) << (64 - bits)) >> (64 - bits);
    if bytes.len() != kind.size() {
        return None;
    }
    Some(match kind {
        Kind::F64 => Node::Number(f64::from_le_bytes(word)),
        Kind::F32 => Node::Number(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        Kind::I64 | Kind::I32 | Kind::I16 | Kind::I8 => {
            Node::Integer(signed(bytes.len() as u32 * 8))
        }
        Kind::U32 | Kind::U16 | Kind::U8 => Node::Integer(i64::from_le_bytes(word)),
        _ => return None,
    })
}
