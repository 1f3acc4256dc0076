//! Types by the names that people use, and what a column of a type can serve as.

use arrow_schema::{DataType, Field, Fields};

/// A type as NumPy, pandas or a database would call it.
pub(super) fn name(data_type: &DataType) -> String {
    if let Some(item) = item(data_type) {
        return format!("list of {}", name(item));
    }
    if is_spark_vector(data_type) {
        return "vector of Spark".to_owned();
    }
    let plain = match data_type {
        DataType::Boolean => "bool",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Struct(_) => "struct",
        DataType::Map(..) => "map",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(..) => "timestamp",
        DataType::Dictionary(_, value) => return name(value),
        it if is_bytes(it) => "bytes",
        it if it.is_decimal() => "decimal",
        other => return other.to_string().to_ascii_lowercase(),
    };
    plain.to_owned()
}

/// The type of a list's items.
pub(super) fn item(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

/// The type in the innermost of lists in each other, if it is a list at all.
pub(super) fn innermost(data_type: &DataType) -> Option<&DataType> {
    let mut inner = item(data_type)?;
    while let Some(next) = item(inner) {
        inner = next;
    }
    Some(inner)
}

/// Whether values are bytes of which nothing says what they mean.
pub(super) fn is_bytes(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    )
}

pub(super) fn is_string(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_string(value),
        _ => false,
    }
}

/// Floats, and decimals, which are read as floats.
pub(super) fn is_fraction(data_type: &DataType) -> bool {
    data_type.is_floating() || data_type.is_decimal()
}

pub(super) fn is_number(data_type: &DataType) -> bool {
    is_fraction(data_type) || data_type.is_integer()
}

/// The struct that Spark writes for its vectors, dense and sparse.
pub(super) fn is_spark_vector(data_type: &DataType) -> bool {
    let DataType::Struct(fields) = data_type else {
        return false;
    };
    let of = |name: &str| {
        fields
            .iter()
            .find(|it| it.name() == name)
            .map(|it| it.data_type())
    };
    let list = |name| of(name).and_then(item);
    fields.len() == 4
        && matches!(of("type"), Some(DataType::Int8))
        && matches!(of("size"), Some(DataType::Int32))
        && matches!(list("indices"), Some(DataType::Int32))
        && matches!(list("values"), Some(DataType::Float64))
}

/// The members of a struct that is no vector.
pub(super) fn members(field: &Field) -> Option<&Fields> {
    match field.data_type() {
        DataType::Struct(fields) if !is_spark_vector(field.data_type()) => Some(fields),
        _ => None,
    }
}
