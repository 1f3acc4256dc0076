//! The pickle machine: a stack, a memo, and descriptions of values in one arena, which may refer to each other freely.

use crate::globals::Global;
use crate::view::{Kind, View};
use crate::{MOST_NAME, PickleError, shown};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Values of a pickle; PyTorch writes a few dozen per tensor.
const MOST_VALUES: usize = 4 << 20;

/// Axes of a tensor.
const MOST_AXES: usize = 16;

/// The same of data, which may be a list of numbers or an array for every item.
const MOST_DATA: usize = 16 << 20;

/// The place of a value in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ref(usize);

/// The value that stands for all data that is never looked into.
const INERT: Ref = Ref(0);

/// What is known of a value.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// `None`, sets, settings.
    Inert,
    Bool(bool),
    Int(i64),
    Float(f64),
    Bytes(Cow<'a, [u8]>),
    Text(&'a str),
    Tuple(Vec<Ref>),
    List(Vec<Ref>),
    Dictionary(Vec<(Ref, Ref)>),
    Global(Global),
    Storage {
        kind: Kind,
        key: &'a str,
        items: usize,
    },
    Tensor(RawView),
    /// A stream with a storage in it.
    Stream(Ref),
    /// NumPy's; nothing until it is described.
    Array(Option<RawArray>),
    Dtype(Dtype),
    Scalar {
        dtype: Ref,
        bytes: Ref,
    },
}

/// An array's parts, as they were given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawArray {
    pub(crate) shape: Ref,
    pub(crate) dtype: Ref,
    /// Whether columns lie after columns.
    pub(crate) fortran: bool,
    pub(crate) bytes: Ref,
}

/// NumPy's number types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dtype {
    pub(crate) name: Ref,
    pub(crate) big_endian: bool,
    /// Whether it has fields.
    pub(crate) record: bool,
}

/// A tensor's parts, as they were given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawView {
    storage: Ref,
    offset: Ref,
    shape: Ref,
    strides: Ref,
}

/// A pickle, read.
pub(crate) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Ref,
    end: usize,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle that `bytes` starts with.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, PickleError> {
        Self::within(bytes, MOST_VALUES)
    }

    /// The same of data, of which there may be more.
    pub(crate) fn read_data(bytes: &'a [u8]) -> Result<Self, PickleError> {
        Self::within(bytes, MOST_DATA)
    }

    fn within(bytes: &'a [u8], most: usize) -> Result<Self, PickleError> {
        let mut machine = Machine {
            bytes,
            most,
            at: 0,
            opcode_at: 0,
            // Place 0 is INERT: settings of any size take this one place.
            values: vec![Value::Inert],
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        let root = machine.run()?;
        let (values, end) = (machine.values, machine.at);
        Ok(Self { values, root, end })
    }

    /// The value that the pickle describes.
    pub(crate) fn root(&self) -> Ref {
        self.root
    }

    /// Bytes of the pickle.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    pub(crate) fn value(&self, at: Ref) -> &Value<'a> {
        &self.values[at.0]
    }

    /// The entries of a dictionary under texts; none if `at` is none.
    pub(crate) fn entries(&self, at: Ref) -> impl Iterator<Item = (&'a str, Ref)> {
        let entries = match self.value(at) {
            Value::Dictionary(entries) => entries.as_slice(),
            _ => &[],
        };
        entries
            .iter()
            .filter_map(|(key, value)| match self.value(*key) {
                Value::Text(text) => Some((*text, *value)),
                _ => None,
            })
    }

    /// Dictionaries with a tensor under a text. Found in one pass over all, as they may lie in each other many times.
    pub(crate) fn tensor_dictionaries(&self) -> HashSet<Ref> {
        let is_tensor = |(_, at)| matches!(self.value(at), Value::Tensor(_));
        let all = (0..self.values.len()).map(Ref);
        all.filter(|&at| self.entries(at).any(is_tensor)).collect()
    }

    /// Number type and number of values of every storage, by name.
    pub(crate) fn storages(&self) -> impl Iterator<Item = (&'a str, (Kind, usize))> {
        self.values.iter().filter_map(|value| match value {
            Value::Storage { kind, key, items } => Some((*key, (*kind, *items))),
            _ => None,
        })
    }

    pub(crate) fn sizes(&self, at: Ref, what: &str) -> Result<Vec<usize>, String> {
        let items = match self.value(at) {
            Value::Tuple(items) if items.len() <= MOST_AXES => items,
            _ => {
                return Err(format!(
                    "its {what} is not a tuple of at most {MOST_AXES} numbers"
                ));
            }
        };
        items.iter().map(|&item| self.size(item, what)).collect()
    }

    fn size(&self, at: Ref, what: &str) -> Result<usize, String> {
        match self.value(at) {
            Value::Int(number) => usize::try_from(*number)
                .map_err(|_| format!("its {what} has the negative number {number}")),
            _ => Err(format!("its {what} is not a number")),
        }
    }
}

impl RawView {
    /// The same with its numbers; what is wrong with them otherwise.
    pub(crate) fn view(self, pickle: &Pickle<'_>) -> Result<View, String> {
        let Value::Storage { kind, key, items } = pickle.value(self.storage) else {
            return Err("it has no storage".into());
        };
        self.of(pickle, (kind, key, items))
    }

    /// The stream that its storage is in, if that is in one of its own.
    pub(crate) fn stream(self, pickle: &Pickle<'_>) -> Option<Ref> {
        match pickle.value(self.storage) {
            Value::Stream(bytes) => Some(*bytes),
            _ => None,
        }
    }

    /// The same as a view of some storage.
    pub(crate) fn of(
        self,
        pickle: &Pickle<'_>,
        (kind, key, items): (&Kind, &str, &usize),
    ) -> Result<View, String> {
        let view = View {
            kind: *kind,
            storage: (*key).to_owned(),
            items: *items,
            offset: pickle.size(self.offset, "offset")?,
            shape: pickle.sizes(self.shape, "shape")?,
            strides: pickle.sizes(self.strides, "strides")?,
        };
        if view.shape.len() == view.strides.len() {
            return Ok(view);
        }
        Err("it has not as many strides as sides".into())
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    /// Values at most.
    most: usize,
    at: usize,
    opcode_at: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Ref>,
    /// Heights of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<usize, Ref>,
}

type Done<T = ()> = Result<T, PickleError>;

impl<'a> Machine<'a> {
    fn run(&mut self) -> Done<Ref> {
        loop {
            self.opcode_at = self.at;
            match self.number(1)? {
                // STOP. What is left on the stack or behind it is nobody's.
                0x2e => return self.pop("a value to end with"),
                opcode => self.step(opcode as u8)?,
            }
        }
    }

    /// Opcodes by what they make; names as in CPython's `pickletools`.
    fn step(&mut self, opcode: u8) -> Done {
        match opcode {
            // PROTO, FRAME. How long a frame is does not matter: all bytes are here already.
            0x80 => self.protocol(),
            0x95 => self.number(8).map(drop),
            // MARK, POP, POP_MARK
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.discard(),
            b'1' => self.marked().map(drop),
            // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
            b'q' => self.put(1),
            b'r' => self.put(4),
            0x94 => self.memoize(self.memo.len()),
            b'h' => self.get(1),
            b'j' => self.get(4),
            // GLOBAL, STACK_GLOBAL, BINPERSID, REDUCE, NEWOBJ, NEWOBJ_EX, BUILD. Nothing is called, so that calling a
            // function and making an object of a class are the same.
            b'c' => self.global(),
            0x93 => self.stack_global(),
            b'Q' => self.persistent(),
            b'R' | 0x81 => self.reduce(),
            0x92 => self.reduce_with_names(),
            b'b' => self.build(),
            _ => self.plain(opcode),
        }
    }

    /// Opcodes of plain values.
    fn plain(&mut self, opcode: u8) -> Done {
        match opcode {
            // NONE, NEWTRUE, NEWFALSE, EMPTY_SET
            b'N' | 0x8f => self.push_ref(INERT),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            // BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT
            b'J' => self.signed(4),
            b'K' => self.unsigned(1),
            b'M' => self.unsigned(2),
            0x8a => self.long(1),
            0x8b => self.long(4),
            b'G' => self.float(),
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8; SHORT_BINSTRING, BINSTRING of Python 2
            0x8c | b'U' => self.text(1),
            b'X' | b'T' => self.text(4),
            0x8d => self.text(8),
            // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
            b'C' => self.bytes(1),
            b'B' => self.bytes(4),
            0x8e | 0x96 => self.bytes(8),
            _ => self.container(opcode),
        }
    }

    /// Opcodes of tuples, lists, dictionaries and sets.
    fn container(&mut self, opcode: u8) -> Done {
        match opcode {
            // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
            b')' => self.tuple(0),
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b't' => {
                let items = self.marked()?;
                self.push(Value::Tuple(items))
            }
            // EMPTY_LIST, APPEND, APPENDS
            b']' => self.push(Value::List(Vec::new())),
            b'a' => {
                let item = self.pop("an item")?;
                self.extend(vec![item])
            }
            b'e' => {
                let items = self.marked()?;
                self.extend(items)
            }
            // EMPTY_DICT, SETITEM, SETITEMS
            b'}' => self.push(Value::Dictionary(Vec::new())),
            b's' => {
                let (value, key) = (self.pop("a value")?, self.pop("a key")?);
                self.insert(&[key, value])
            }
            b'u' => {
                let items = self.marked()?;
                self.insert(&items)
            }
            // ADDITEMS, FROZENSET. A set is inert, and so is what goes into it; the set itself stays on the stack.
            0x90 => self.marked().map(drop),
            0x91 => {
                self.marked()?;
                self.push_ref(INERT)
            }
            opcode => Err(PickleError::Opcode {
                opcode,
                at: self.opcode_at,
            }),
        }
    }

    fn malformed<T>(&self, expected: &'static str) -> Done<T> {
        let at = self.opcode_at;
        Err(PickleError::Malformed { at, expected })
    }

    fn take(&mut self, count: usize) -> Done<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or(PickleError::Truncated {
            at: self.bytes.len(),
        })?;
        self.at += count;
        Ok(taken)
    }

    /// A little-endian number of `width` bytes.
    fn number(&mut self, width: usize) -> Done<u64> {
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// As many bytes as the number of `width` bytes before them says.
    fn counted(&mut self, width: usize) -> Done<&'a [u8]> {
        let count = self.number(width)?;
        // What does not fit a usize is beyond the end as well.
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn push_ref(&mut self, value: Ref) -> Done {
        self.stack.push(value);
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) -> Done {
        within("values", self.values.len(), self.most)?;
        self.values.push(value);
        self.push_ref(Ref(self.values.len() - 1))
    }

    fn pop(&mut self, expected: &'static str) -> Done<Ref> {
        // What lies below the last mark is not for this opcode: a collection above the mark may be open.
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(value) if self.stack.len() >= floor => Ok(value),
            _ => self.malformed(expected),
        }
    }

    /// All values above the last mark, and the mark, taken off the stack.
    fn marked(&mut self) -> Done<Vec<Ref>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => self.malformed("a mark"),
        }
    }

    /// The value that the next one goes into; it stays on the stack.
    fn top(&mut self) -> Done<Ref> {
        let top = self.pop("a value on the stack")?;
        self.stack.push(top);
        Ok(top)
    }

    fn discard(&mut self) -> Done {
        // POP right after MARK takes the mark away, as in Python.
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop("a value to drop").map(drop)
    }

    fn protocol(&mut self) -> Done {
        match self.number(1)? {
            2..=5 => Ok(()),
            _ => self.malformed("protocol 2, 3, 4 or 5"),
        }
    }

    fn put(&mut self, width: usize) -> Done {
        let index = self.number(width)?;
        self.memoize(index as usize)
    }

    fn memoize(&mut self, index: usize) -> Done {
        // The index is the file's; a map, not a list, so that a large one takes no memory.
        within("remembered values", self.memo.len(), self.most)?;
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn get(&mut self, width: usize) -> Done {
        let index = self.number(width)?;
        match self.memo.get(&(index as usize)) {
            Some(&value) => self.push_ref(value),
            None => self.malformed("a value that was remembered"),
        }
    }

    fn signed(&mut self, width: usize) -> Done {
        let bytes = self.take(width)?;
        self.push(Value::Int(signed(bytes).unwrap_or_default()))
    }

    fn unsigned(&mut self, width: usize) -> Done {
        let number = self.number(width)?;
        self.push(Value::Int(number as i64))
    }

    /// An integer of any length; one beyond 64 bits describes no tensor.
    fn long(&mut self, width: usize) -> Done {
        match signed(self.counted(width)?) {
            Some(number) => self.push(Value::Int(number)),
            None => self.push_ref(INERT),
        }
    }

    /// The one number that is big-endian.
    fn float(&mut self) -> Done {
        let bits = self.number(8)?.swap_bytes();
        self.push(Value::Float(f64::from_bits(bits)))
    }

    fn bytes(&mut self, width: usize) -> Done {
        let bytes = self.counted(width)?;
        self.push(Value::Bytes(Cow::Borrowed(bytes)))
    }

    fn text(&mut self, width: usize) -> Done {
        let bytes = self.counted(width)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Value::Text(text)),
            // Bytes of Python 2, or half of a surrogate pair: the name of nothing that is wanted.
            Err(_) => self.push(Value::Bytes(Cow::Borrowed(bytes))),
        }
    }

    fn tuple(&mut self, count: usize) -> Done {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop("an item of a tuple")?);
        }
        items.reverse();
        self.push(Value::Tuple(items))
    }

    fn extend(&mut self, new: Vec<Ref>) -> Done {
        let list = self.top()?;
        match &mut self.values[list.0] {
            // The list may be among its own items: they are places, and nothing follows them without an end.
            Value::List(items) => items.extend(new),
            Value::Inert => (),
            _ => return self.malformed("a list below the items"),
        }
        Ok(())
    }

    fn insert(&mut self, new: &[Ref]) -> Done {
        let dictionary = self.top()?;
        let pairs = new.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return self.malformed("a value for every key");
        }
        match &mut self.values[dictionary.0] {
            // A key that is there twice stays twice; of two tensors of one name the later is taken, as in Python.
            Value::Dictionary(entries) => entries.extend(pairs.map(|it| (it[0], it[1]))),
            Value::Inert => (),
            _ => return self.malformed("a dictionary below the items"),
        }
        Ok(())
    }

    fn line(&mut self) -> Done<&'a str> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(end.unwrap_or(rest.len()))?;
        self.take(1)?;
        let line = std::str::from_utf8(line).ok();
        line.map_or_else(|| self.malformed("a name in UTF-8"), Ok)
    }

    fn global(&mut self) -> Done {
        let (module, name) = (self.line()?, self.line()?);
        self.find(module, name)
    }

    fn stack_global(&mut self) -> Done {
        let (name, module) = (self.pop("a name")?, self.pop("a module")?);
        match (&self.values[module.0], &self.values[name.0]) {
            (&Value::Text(module), &Value::Text(name)) => self.find(module, name),
            _ => self.malformed("a module and a name as texts"),
        }
    }

    fn find(&mut self, module: &str, name: &str) -> Done {
        match Global::find(module, name) {
            Some(Global::Inert) => self.push_ref(INERT),
            Some(global) => self.push(Value::Global(global)),
            None => Err(PickleError::Global {
                name: shown(&format!("{}.{}", head(module), head(name))),
                at: self.opcode_at,
            }),
        }
    }

    /// `("storage", type, key, device, number of values)`, and in a stream whether it is part of another.
    fn persistent(&mut self) -> Done {
        let id = self.pop("an identity")?;
        let storage = self.storage(id);
        match storage {
            Some(storage) => self.push(storage),
            None => self.malformed("a whole storage with its type, key and number of values"),
        }
    }

    fn storage(&self, id: Ref) -> Option<Value<'a>> {
        let Value::Tuple(items) = &self.values[id.0] else {
            return None;
        };
        let value = |at: usize| items.get(at).map(|it| &self.values[it.0]);
        let whole = matches!(value(5), None | Some(Value::Inert));
        match (value(0)?, value(1)?, value(2)?, value(4)?) {
            (
                Value::Text("storage"),
                Value::Global(Global::Storage(kind)),
                Value::Text(key),
                Value::Int(items),
            ) if whole => Some(Value::Storage {
                kind: *kind,
                key,
                items: usize::try_from(*items).ok()?,
            }),
            _ => None,
        }
    }

    /// What a global would give for its arguments.
    fn reduce(&mut self) -> Done {
        let (arguments, callee) = (self.pop("arguments")?, self.pop("something to call")?);
        let Value::Tuple(arguments) = &self.values[arguments.0] else {
            return self.malformed("a tuple of arguments");
        };
        // More arguments than are named here may follow: `requires_grad` and hooks of a tensor change no value.
        match (&self.values[callee.0], arguments.as_slice()) {
            (Value::Inert, _) => self.push_ref(INERT),
            (Value::Global(Global::Dictionary), []) => self.push(Value::Dictionary(Vec::new())),
            (Value::Global(Global::Size), &[tuple]) => self.push_ref(tuple),
            (Value::Global(Global::Parameter), &[tensor, ..]) => self.push_ref(tensor),
            (Value::Global(Global::Tensor), &[storage, offset, shape, strides, ..]) => {
                self.push(Value::Tensor(RawView {
                    storage,
                    offset,
                    shape,
                    strides,
                }))
            }
            (Value::Global(global), arguments) => {
                let (global, arguments) = (*global, arguments.to_vec());
                self.numpy(global, &arguments)
            }
            _ => self.malformed("a known function with its arguments"),
        }
    }

    /// What NumPy's functions would give, and what brings their bytes.
    fn numpy(&mut self, global: Global, arguments: &[Ref]) -> Done {
        match (global, arguments) {
            (Global::Stream, &[bytes]) => self.push(Value::Stream(bytes)),
            (Global::Array, _) => self.push(Value::Array(None)),
            (Global::Dtype, &[name, ..]) => self.push(Value::Dtype(Dtype {
                name,
                big_endian: false,
                record: false,
            })),
            (Global::Scalar, &[dtype, bytes]) => self.push(Value::Scalar { dtype, bytes }),
            (Global::Buffer, &[bytes, dtype, shape, order]) => {
                let fortran = matches!(self.values[order.0], Value::Text("F"));
                self.push(Value::Array(Some(RawArray {
                    shape,
                    dtype,
                    fortran,
                    bytes,
                })))
            }
            (Global::Encode, &[text, ..]) => self.encode(text),
            _ => self.malformed("a known function with its arguments"),
        }
    }

    /// Bytes that are written as the text of as many characters.
    fn encode(&mut self, text: Ref) -> Done {
        let Value::Text(text) = self.values[text.0] else {
            return self.push_ref(INERT);
        };
        let bytes: Option<Vec<u8>> = text.chars().map(|it| u8::try_from(it).ok()).collect();
        match bytes {
            Some(bytes) => self.push(Value::Bytes(Cow::Owned(bytes))),
            None => self.push_ref(INERT),
        }
    }

    /// NEWOBJ_EX: as a call, with named arguments that no known function has.
    fn reduce_with_names(&mut self) -> Done {
        self.pop("named arguments")?;
        self.reduce()
    }

    /// Attributes of an object: what describes an array or number type; nothing else that is looked into has any.
    fn build(&mut self) -> Done {
        let state = self.pop("attributes")?;
        let object = self.top()?;
        let state = match &self.values[state.0] {
            Value::Tuple(state) => state.as_slice(),
            _ => &[],
        };
        let described = match (&self.values[object.0], state) {
            // `state_dict()` gives its dictionary an attribute `_metadata`.
            (Value::Inert | Value::Dictionary(_), _) => return Ok(()),
            (Value::Array(_), &[_, shape, dtype, fortran, bytes]) => {
                let fortran = matches!(self.values[fortran.0], Value::Bool(true));
                Value::Array(Some(RawArray {
                    shape,
                    dtype,
                    fortran,
                    bytes,
                }))
            }
            (Value::Dtype(dtype), &[_, order, _, fields, ..]) => Value::Dtype(Dtype {
                big_endian: matches!(self.values[order.0], Value::Text(">")),
                record: !matches!(self.values[fields.0], Value::Inert),
                ..*dtype
            }),
            _ => return self.malformed("an object that can have attributes"),
        };
        self.values[object.0] = described;
        Ok(())
    }
}

/// A little-endian number in two's complement, if it has at most 64 bits.
fn signed(bytes: &[u8]) -> Option<i64> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}

fn within(what: &'static str, count: usize, most: usize) -> Done {
    if count < most {
        return Ok(());
    }
    let limit = most as u64;
    Err(PickleError::Limit { what, limit })
}

/// The first characters of a name that may be as long as the file.
fn head(name: &str) -> &str {
    let end = name.char_indices().nth(MOST_NAME).map(|(at, _)| at);
    &name[..end.unwrap_or(name.len())]
}
