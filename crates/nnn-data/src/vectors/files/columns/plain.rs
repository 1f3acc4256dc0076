//! Arrow's arrays of numbers and text as plain values. Nulls are refused before; Arrow's own casts are a large crate of which this is all
//! that is needed.

use crate::file_error::FileProblem;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Float16Type,
    Float32Type, Float64Type,
};
use arrow_array::{Array, downcast_integer_array};
use arrow_schema::DataType;

fn unusable(what: &str, received: &DataType) -> FileProblem {
    FileProblem::Unusable(format!("values of type {received}, expected {what}"))
}

/// Numbers of any type as the nearest fractions.
pub(super) fn fractions(array: &dyn Array) -> Result<Vec<f64>, FileProblem> {
    Ok(match array.data_type() {
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>().values();
            values.iter().map(|it| it.to_f64()).collect()
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>().values();
            values.iter().map(|it| f64::from(*it)).collect()
        }
        DataType::Float64 => array.as_primitive::<Float64Type>().values().to_vec(),
        DataType::Decimal32(..) => decimals::<Decimal32Type>(array)?,
        DataType::Decimal64(..) => decimals::<Decimal64Type>(array)?,
        DataType::Decimal128(..) => decimals::<Decimal128Type>(array)?,
        DataType::Decimal256(..) => decimals::<Decimal256Type>(array)?,
        _ => integers(array)?.into_iter().map(|it| it as f64).collect(),
    })
}

/// By way of their digits, which rounds once, whatever the scale is.
fn decimals<T: DecimalType>(array: &dyn Array) -> Result<Vec<f64>, FileProblem> {
    let values = array.as_primitive::<T>();
    let bad = || unusable("a number", array.data_type());
    let value = |at| values.value_as_string(at).parse().map_err(|_| bad());
    (0..values.len()).map(value).collect()
}

/// Integers of any type.
pub(super) fn integers(array: &dyn Array) -> Result<Vec<i128>, FileProblem> {
    downcast_integer_array!(
        array => Ok(array.values().iter().map(|it| i128::from(*it)).collect()),
        other => Err(unusable("an integer", other)),
    )
}

/// Takes one value after the other.
type Each<'a> = dyn FnMut(Option<&[u8]>) -> Result<(), FileProblem> + 'a;

/// Texts, bytes, integers as text, and dictionaries of them, one after the other to `each`; nothing for a null, which a dictionary may
/// hold where its key is none.
pub(super) fn bytes(array: &dyn Array, each: &mut Each<'_>) -> Result<(), FileProblem> {
    match array.data_type() {
        DataType::Utf8 => texts(array.as_string::<i32>().iter(), each),
        DataType::LargeUtf8 => texts(array.as_string::<i64>().iter(), each),
        DataType::Utf8View => texts(array.as_string_view().iter(), each),
        DataType::Binary => array.as_binary::<i32>().iter().try_for_each(each),
        DataType::LargeBinary => array.as_binary::<i64>().iter().try_for_each(each),
        DataType::BinaryView => array.as_binary_view().iter().try_for_each(each),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().iter().try_for_each(each),
        DataType::Dictionary(..) => entries(array, each),
        _ => integers(array)?
            .iter()
            .try_for_each(|it| each(Some(it.to_string().as_bytes()))),
    }
}

fn texts<'a>(
    mut values: impl Iterator<Item = Option<&'a str>>,
    each: &mut Each<'_>,
) -> Result<(), FileProblem> {
    values.try_for_each(|it| each(it.map(str::as_bytes)))
}

/// What the keys of a dictionary stand for.
fn entries(array: &dyn Array, each: &mut Each<'_>) -> Result<(), FileProblem> {
    let dictionary = array.as_any_dictionary();
    let mut held: Vec<Option<Vec<u8>>> = Vec::new();
    bytes(dictionary.values(), &mut |it| {
        held.push(it.map(<[u8]>::to_vec));
        Ok(())
    })?;
    let keys = dictionary.keys();
    for (at, key) in integers(keys)?.into_iter().enumerate() {
        let key = usize::try_from(key).ok().filter(|_| !keys.is_null(at));
        each(key.and_then(|it| held.get(it)?.as_deref()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{
        ArrayRef, BinaryArray, BinaryViewArray, Decimal128Array, Decimal256Array,
        FixedSizeBinaryArray, Float16Array, Float32Array, Int8Array, Int32Array, LargeBinaryArray,
        LargeStringArray, StringArray, StringViewArray, UInt64Array,
    };
    use arrow_array::{DictionaryArray, types::Int32Type};
    use std::sync::Arc;

    fn all(array: &dyn Array) -> Vec<Option<String>> {
        let mut found = Vec::new();
        let mut each = |it: Option<&[u8]>| {
            found.push(it.map(|it| String::from_utf8_lossy(it).into_owned()));
            Ok(())
        };
        bytes(array, &mut each).expect("texts");
        found
    }

    #[test]
    fn numbers_of_every_type_are_fractions() {
        let decimals = Decimal128Array::from(vec![-15, 1]);
        let decimals = decimals.with_precision_and_scale(20, 1).expect("a scale");
        let wide = Decimal256Array::from_iter_values([arrow_buffer::i256::from(7)]);
        let wide = wide.with_precision_and_scale(40, 1).expect("a scale");
        let cases: [(ArrayRef, &[f64]); 6] = [
            (Arc::new(Int8Array::from(vec![-3, 4])), &[-3.0, 4.0]),
            (
                Arc::new(UInt64Array::from(vec![u64::MAX])),
                &[u64::MAX as f64],
            ),
            (
                Arc::new(Float16Array::from(vec![half::f16::from_f32(0.5)])),
                &[0.5],
            ),
            (
                Arc::new(Float32Array::from(vec![0.1])),
                &[f64::from(0.1_f32)],
            ),
            (Arc::new(decimals), &[-1.5, 0.1]),
            (Arc::new(wide), &[0.7]),
        ];
        for (array, expected) in cases {
            assert_eq!(fractions(&array).expect("numbers"), expected, "{array:?}");
        }
        let text = StringArray::from(vec!["a"]);
        let error = fractions(&text).expect_err("no number");
        assert!(error.to_string().contains("Utf8, expected"), "{error}");
    }

    #[test]
    fn texts_of_every_type_are_texts() {
        let two: [ArrayRef; 7] = [
            Arc::new(StringArray::from(vec!["aa", "bé"])),
            Arc::new(LargeStringArray::from(vec!["aa", "bé"])),
            Arc::new(StringViewArray::from(vec!["aa", "bé"])),
            Arc::new(BinaryArray::from_iter_values(["aa", "bé"])),
            Arc::new(LargeBinaryArray::from_iter_values(["aa", "bé"])),
            Arc::new(BinaryViewArray::from_iter_values(["aa", "bé"])),
            Arc::new(StringArray::from(vec!["aa", "bé"])),
        ];
        for array in two {
            let expected = ["aa", "bé"].map(|it| Some(it.to_owned()));
            assert_eq!(all(&array), expected, "{array:?}");
        }
        let fixed = FixedSizeBinaryArray::try_from_iter(["ab", "cd"].iter()).expect("one width");
        assert_eq!(all(&fixed), ["ab", "cd"].map(|it| Some(it.to_owned())));
        let integers = Int32Array::from(vec![-7, 12]);
        assert_eq!(all(&integers), ["-7", "12"].map(|it| Some(it.to_owned())));
    }

    #[test]
    fn dictionaries_are_what_their_keys_stand_for() {
        let keys = Int32Array::from(vec![Some(1), Some(0), None, Some(2)]);
        let values = StringArray::from(vec![Some("zero"), Some("one"), None]);
        let array = DictionaryArray::<Int32Type>::new(keys, Arc::new(values));
        let expected = [Some("one"), Some("zero"), None, None];
        assert_eq!(all(&array), expected.map(|it| it.map(str::to_owned)));
    }
}
