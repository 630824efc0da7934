//! Reads the XML of a feed into its items, and refuses what a feed never holds.

use std::fmt;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

/// Elements inside elements: a live feed nests four deep.
const DEPTH_MAX: usize = 16;

/// Items of one feed: the provider sends at most 100.
const ITEMS_MAX: usize = 1_000;

/// One `<item>`, its texts with XML's own escapes undone.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Item {
    pub(crate) title: String,
    pub(crate) link: String,
    pub(crate) guid: String,
    pub(crate) published: String,
    pub(crate) description: String,
    pub(crate) publisher: String,
    pub(crate) publisher_url: String,
}

/// Why a body is not a feed.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum FeedError {
    /// A web page: consent, captcha or an error of the edge.
    Html,
    /// A document type declaration: feeds have none, entity bombs need one.
    DocumentType,
    /// An entity that XML itself does not define.
    Entity,
    /// More than `DEPTH_MAX` or `ITEMS_MAX`.
    TooLarge,
    /// Cut off: elements are still open at the end.
    Truncated,
    /// Not well-formed, with the byte where that shows; or not UTF-8.
    Syntax(u64),
    /// Well-formed, but not `<rss>`.
    NotRss,
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Html => f.write_str("a web page came instead of a feed"),
            Self::DocumentType => f.write_str("the feed declares a document type"),
            Self::Entity => f.write_str("the feed uses an entity that XML does not define"),
            Self::TooLarge => {
                write!(f, "the feed nests deeper than {DEPTH_MAX} or holds over {ITEMS_MAX} items")
            }
            Self::Truncated => f.write_str("the feed is cut off"),
            Self::Syntax(at) => write!(f, "the feed is not well-formed XML at byte {at}"),
            Self::NotRss => f.write_str("the document is not an rss feed"),
        }
    }
}

/// Reads every item of a feed, in the order of the feed.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Item>, FeedError> {
    let text = str::from_utf8(body)
        .map_err(|error| FeedError::Syntax(u64::try_from(error.valid_up_to()).unwrap_or(0)))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if is_html(text) {
        return Err(FeedError::Html);
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut parse = Parse::default();
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(quick_xml::Error::Syntax(_)) => return Err(FeedError::Truncated),
            Err(_) => return Err(FeedError::Syntax(reader.error_position())),
        };
        if matches!(event, Event::Eof) {
            return parse.finish();
        }
        parse.event(&event)?;
    }
}

/// Tells a web page from XML by its first bytes.
fn is_html(text: &str) -> bool {
    let head = text.as_bytes();
    [&b"<!doctype html"[..], b"<html"]
        .iter()
        .any(|start| head.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

/// The fields of an item that are kept.
#[derive(Clone, Copy)]
enum Field {
    Title,
    Link,
    Guid,
    Published,
    Description,
    Publisher,
}

impl Field {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "title" => Self::Title,
            "link" => Self::Link,
            "guid" => Self::Guid,
            "pubDate" => Self::Published,
            "description" => Self::Description,
            "source" => Self::Publisher,
            _ => return None,
        })
    }
}

/// Where the reader stands: `rss` is 1 deep, `channel` 2, `item` 3, a field 4.
#[derive(Default)]
struct Parse {
    depth: usize,
    seen_rss: bool,
    item: Option<Item>,
    field: Option<Field>,
    items: Vec<Item>,
}

impl Parse {
    fn event(&mut self, event: &Event<'_>) -> Result<(), FeedError> {
        match event {
            Event::Start(start) => self.open(start)?,
            Event::Empty(start) => {
                self.open(start)?;
                self.close();
            }
            Event::End(_) => self.close(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                if let Ok(Some(character)) = entity.resolve_char_ref() {
                    self.text(character.encode_utf8(&mut [0; 4]));
                } else {
                    self.text(resolve_xml_entity(entity).ok_or(FeedError::Entity)?);
                }
            }
            Event::DocType(_) => return Err(FeedError::DocumentType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), FeedError> {
        self.depth += 1;
        let name = start.name();
        let name = name.as_ref();
        match self.depth {
            1 if name == "rss" && !self.seen_rss => self.seen_rss = true,
            1 => return Err(FeedError::NotRss),
            3 if name == "item" => self.item = Some(Item::default()),
            4 => self.open_field(start, name),
            depth if depth > DEPTH_MAX => return Err(FeedError::TooLarge),
            _ => {}
        }
        if self.items.len() >= ITEMS_MAX { Err(FeedError::TooLarge) } else { Ok(()) }
    }

    fn open_field(&mut self, start: &BytesStart<'_>, name: &str) {
        let Some(item) = &mut self.item else { return };
        self.field = Field::named(name);
        if let Some(Field::Publisher) = self.field
            && let Ok(Some(url)) = start.try_get_attribute("url")
        {
            url.value.trim().clone_into(&mut item.publisher_url);
        }
    }

    fn text(&mut self, text: &str) {
        let (4, Some(item), Some(field)) = (self.depth, &mut self.item, self.field) else { return };
        let target = match field {
            Field::Title => &mut item.title,
            Field::Link => &mut item.link,
            Field::Guid => &mut item.guid,
            Field::Published => &mut item.published,
            Field::Description => &mut item.description,
            Field::Publisher => &mut item.publisher,
        };
        target.push_str(text);
    }

    fn close(&mut self) {
        match self.depth {
            3 => self.items.extend(self.item.take()),
            4 => self.field = None,
            _ => {}
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn finish(self) -> Result<Vec<Item>, FeedError> {
        if self.depth > 0 {
            Err(FeedError::Truncated)
        } else if self.seen_rss {
            Ok(self.items)
        } else {
            Err(FeedError::NotRss)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(items: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel>\
             <title>not an item</title>{items}</channel></rss>"
        )
    }

    #[track_caller]
    fn refused(body: impl AsRef<[u8]>, expected: &FeedError) {
        assert_eq!(read(body.as_ref()).as_ref(), Err(expected));
    }

    #[test]
    fn fields_come_out_with_the_escapes_of_xml_undone() {
        let items = read(
            feed(
                "<item><title>A &amp; B &#8211; &#x43; - P</title><link>https://n/1?a=1&amp;b=2</link>\
                 <guid isPermaLink=\"false\">CBM1</guid><pubDate>Tue, 14 Jul 2026 03:33:16 GMT</pubDate>\
                 <description>&lt;a&gt;x&lt;/a&gt;&amp;nbsp;<![CDATA[<b>]]></description>\
                 <source url=\"https://p.example\">P</source><media:title>no</media:title></item>",
            )
            .as_bytes(),
        )
        .unwrap();
        assert_eq!(
            items,
            [Item {
                title: "A & B – C - P".into(),
                link: "https://n/1?a=1&b=2".into(),
                guid: "CBM1".into(),
                published: "Tue, 14 Jul 2026 03:33:16 GMT".into(),
                description: "<a>x</a>&nbsp;<b>".into(),
                publisher: "P".into(),
                publisher_url: "https://p.example".into(),
            }]
        );
    }

    #[test]
    fn feed_without_items_is_empty() {
        assert_eq!(read(feed("").as_bytes()), Ok(Vec::new()));
        assert_eq!(read(b"\xef\xbb\xbf<rss><channel/></rss>"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_feed_is_refused_with_the_reason() {
        refused("<!DOCTYPE HTML><html></html>", &FeedError::Html);
        refused("  <html lang='de'>", &FeedError::Html);
        refused("<feed></feed>", &FeedError::NotRss);
        refused("", &FeedError::NotRss);
        refused("{\"status\":\"ok\"}", &FeedError::NotRss);
        refused("<rss></rss><rss></rss>", &FeedError::NotRss);
        refused(b"<rss>\xff</rss>", &FeedError::Syntax(5));
    }

    #[test]
    fn entity_bombs_and_external_entities_are_refused() {
        let bomb =
            "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><rss>&lol2;</rss>";
        refused(bomb, &FeedError::DocumentType);
        refused(
            "<!DOCTYPE rss SYSTEM \"http://169.254.169.254/\"><rss/>",
            &FeedError::DocumentType,
        );
        refused(feed("<item><title>&lol;</title></item>"), &FeedError::Entity);
        refused(feed("<item><title>&#x110000;</title></item>"), &FeedError::Entity);
    }

    #[test]
    fn cut_off_feed_is_not_an_empty_one() {
        let whole = feed("<item><title>a</title></item>");
        for end in 1..whole.len() {
            assert!(read(&whole.as_bytes()[..end]).is_err(), "cut at {end}");
        }
        refused(&whole.as_bytes()[..whole.len() - 3], &FeedError::Truncated);
        refused(&whole.as_bytes()[..whole.len() - 6], &FeedError::Truncated);
    }

    #[test]
    fn size_of_a_feed_is_bounded() {
        refused(feed(&"<a>".repeat(100_000)), &FeedError::TooLarge);
        refused(feed(&"<item></item>".repeat(ITEMS_MAX + 1)), &FeedError::TooLarge);
    }
}
