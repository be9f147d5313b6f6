//! A deserializer around another one that closes two gaps of serde, at every depth: a sequence does not
//! pass as a struct (`["a@example.org", "password"]` is no `{"email", "password"}`), and a text holds no
//! control characters, unless its field allows them (see [`super::text`]).
//!
//! It sees what a type asks its deserializer for. An enum that is untagged or tagged inside, and a
//! flattened field, is read into serde's own buffer first and rebuilt from there, out of sight: types that
//! are read from outside have none of these, and a test of the source's rules holds that.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, Unexpected, VariantAccess,
        Visitor,
    },
};

use super::text::Allowed;

/// The deserializer, and what the text that comes next may hold.
pub struct Strict<D> {
    inner: D,
    text: Allowed,
}

impl<D> Strict<D> {
    /// Around `inner`.
    pub fn new(inner: D) -> Self {
        Self { inner, text: Allowed::Line }
    }
}

/// The text of an address's query, or of a form, as a `T`.
///
/// # Errors
/// When it is another.
pub fn from_query<'de, T: Deserialize<'de>>(query: &'de str) -> Result<T, de::value::Error> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    T::deserialize(Strict::new(serde_urlencoded::Deserializer::new(pairs)))
}

/// Wraps what a deserializer hands to a visitor.
struct Guard<V> {
    inner: V,
    text: Allowed,
    /// Only a map will do.
    is_struct: bool,
}

macro_rules! hand_on {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            let Self { inner, text } = self;
            inner.$method(Guard { inner: visitor, text, is_struct: false })
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    hand_on! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32
        deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_option deserialize_unit deserialize_seq deserialize_map
        deserialize_ignored_any
    }

    /// The name of a field: an unknown one is refused, whatever it holds, and named as such.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, text } = self;
        if let Some(text) = Allowed::named(name) {
            return visitor.visit_newtype_struct(Self { inner, text });
        }
        inner.deserialize_newtype_struct(name, Guard { inner: visitor, text, is_struct: false })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, text } = self;
        inner.deserialize_tuple(length, Guard { inner: visitor, text, is_struct: false })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, text } = self;
        let guard = Guard { inner: visitor, text, is_struct: false };
        inner.deserialize_tuple_struct(name, length, guard)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, text } = self;
        inner.deserialize_struct(name, fields, Guard { inner: visitor, text, is_struct: true })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, text } = self;
        inner.deserialize_enum(name, variants, Guard { inner: visitor, text, is_struct: false })
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident: $type:ty),*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

macro_rules! visit_text {
    ($($method:ident: $type:ty),*) => {$(
        fn $method<E: Error>(self, text: $type) -> Result<V::Value, E> {
            self.text.check(&text).map_err(E::custom)?;
            self.inner.$method(text)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guard<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_struct { f.write_str("an object") } else { self.inner.expecting(f) }
    }

    visit! {
        visit_bool: bool, visit_i8: i8, visit_i16: i16, visit_i32: i32, visit_i64: i64,
        visit_i128: i128, visit_u8: u8, visit_u16: u16, visit_u32: u32, visit_u64: u64,
        visit_u128: u128, visit_f32: f32, visit_f64: f64, visit_char: char, visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8], visit_byte_buf: Vec<u8>
    }

    visit_text! { visit_str: &str, visit_borrowed_str: &'de str, visit_string: String }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Strict { inner, text: self.text })
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Strict { inner, text: self.text })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<V::Value, A::Error> {
        if self.is_struct {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        self.inner.visit_seq(Inside(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Inside(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Inside(variant))
    }
}

/// Wraps what is inside a sequence, a map or an enum.
struct Inside<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Inside<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Seed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Inside<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(Seed(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Seed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Inside<A> {
    type Error = A::Error;
    type Variant = Inside<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(Seed(seed))?;
        Ok((value, Inside(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Inside<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Seed(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let guard = Guard { inner: visitor, text: Allowed::Line, is_struct: false };
        self.0.tuple_variant(length, guard)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let guard = Guard { inner: visitor, text: Allowed::Line, is_struct: true };
        self.0.struct_variant(fields, guard)
    }
}

struct Seed<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict::new(deserializer))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{super::text, *};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        map: BTreeMap<String, Inner>,
        choice: Option<Choice>,
        #[serde(default, deserialize_with = "text::optional_lines")]
        lines: Option<String>,
        #[serde(default, deserialize_with = "text::anything")]
        token: String,
        pair: Option<(i64, String)>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        id: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Choice {
        Unit,
        New(Inner),
        Struct { id: String },
    }

    fn read(json: &str) -> Result<Outer, String> {
        let mut json = serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize::<_, Outer>(Strict::new(&mut json))
            .map_err(|error| format!("{}: {}", error.path(), error.inner()))
    }

    #[test]
    fn what_is_right_is_read_as_ever() {
        for json in [
            r#"{"name": "a", "inner": {"id": "b"}, "list": [{"id": "c"}], "map": {"d": {"id": "e"}}}"#,
            r#"{"name": "é", "choice": "Unit", "inner": null, "lines": null}"#,
            r#"{"name": "a", "choice": {"New": {"id": "b"}}, "lines": "a\tb\r\nc"}"#,
            r#"{"name": "a", "choice": {"Struct": {"id": "b"}}, "token": "\u0000\u009f"}"#,
            r#"{"name": "a", "pair": [1, "b"]}"#,
        ] {
            let as_ever: Outer = serde_json::from_str(json).unwrap();
            assert_eq!(read(json), Ok(as_ever), "{json}");
        }
    }

    #[test]
    fn a_sequence_is_no_struct_at_any_depth() {
        for (json, path) in [
            (r#"["a", null, [], {}, null, null, "", null]"#, "."),
            (r#"{"name": "a", "inner": ["b"]}"#, "inner"),
            (r#"{"name": "a", "list": [{"id": "b"}, ["c"]]}"#, "list[1]"),
            (r#"{"name": "a", "map": {"b": ["c"]}}"#, "map.b"),
            (r#"{"name": "a", "choice": {"New": ["b"]}}"#, "choice.New"),
            (r#"{"name": "a", "choice": {"Struct": ["b"]}}"#, "choice.Struct"),
        ] {
            assert!(serde_json::from_str::<Outer>(json).is_ok(), "serde alone takes {json}");
            let expected = format!("{path}: invalid type: sequence, expected an object");
            assert!(read(json).unwrap_err().starts_with(&expected), "{json}: {:?}", read(json));
        }
    }

    #[test]
    fn a_text_holds_no_control_characters_at_any_depth() {
        for (json, path) in [
            (r#"{"name": "a\u0000"}"#, "name"),
            (r#"{"name": "\n"}"#, "name"),
            (r#"{"name": "a\u0085b"}"#, "name"),
            (r#"{"name": "a", "inner": {"id": "\u001b[31m"}}"#, "inner.id"),
            (r#"{"name": "a", "list": [{"id": "a"}, {"id": "\u007f"}]}"#, "list[1].id"),
            (r#"{"name": "a", "map": {"\u0000": {"id": "b"}}}"#, "map.?"),
            (r#"{"name": "a", "map": {"b": {"id": "\u0000"}}}"#, "map.b.id"),
            (r#"{"name": "a", "choice": {"New": {"id": "\u0000"}}}"#, "choice.New.id"),
            (r#"{"name": "a", "choice": {"Struct": {"id": "\u0000"}}}"#, "choice.Struct.id"),
            (r#"{"name": "a", "lines": "a\n\u0000"}"#, "lines"),
            (r#"{"name": "a", "pair": [1, "\u0000"]}"#, "pair[1]"),
        ] {
            let refused = read(json).unwrap_err();
            let expected = format!("{path}: {}", text::RULE);
            assert!(refused.starts_with(&expected), "{json}: {refused}");
        }
    }

    #[test]
    fn a_query_is_read_by_the_same_rules() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Asked {
            q: String,
            limit: Option<u8>,
        }
        let asked = Asked { q: "a b".to_owned(), limit: Some(7) };
        assert_eq!(from_query::<Asked>("q=a+b&limit=7"), Ok(asked));
        for query in ["q=a%00", "q=a%C2%85", "q=%0A", "r=1&q=a"] {
            assert!(from_query::<Asked>(query).is_err(), "{query}");
        }
    }
}
