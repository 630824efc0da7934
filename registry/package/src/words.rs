//! Closed sets of words: an enum whose variants are written as one word each in our files.

/// An enum whose variants are written as one word each.
pub(crate) trait Word: Copy + 'static {
    /// Every word with its meaning, in the order of the documentation.
    const WORDS: &'static [(&'static str, Self)];
}

/// Declares an enum together with the words that stand for it in files and in JSON.
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$inner:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[derive(serde::Deserialize, serde::Serialize)]
        $vis enum $name { $($(#[$inner])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// The word that stands for it in files.
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl crate::words::Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),+];
        }

        impl crate::document::Decode for $name {
            fn decode(item: &crate::document::Item<'_>) -> Result<Self, crate::document::FileError> {
                item.word()
            }
        }
    };
}
pub(crate) use words;
