//! Sources as tokens: comments fall away, texts stay apart from code, and every token has a line.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// One Rust file.
pub struct Source {
    /// Its path from the root of the repository, with `/` between the parts.
    pub path: String,
    /// What it says.
    pub text: String,
    /// The same as tokens.
    pub tokens: Vec<Token>,
}

/// One token; brackets are tokens too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token as written; `::` is one token.
    pub text: String,
    /// Whether it is a literal (a text or a number).
    pub literal: bool,
    /// Its line, from 1.
    pub line: usize,
}

impl Source {
    /// Reads a file from its text.
    ///
    /// # Panics
    /// When the text is not made of Rust tokens.
    pub fn new(path: &str, text: &str) -> Self {
        let stream: TokenStream =
            text.parse().unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// The tokens outside modules that exist only for tests.
    pub fn tokens_outside_tests(&self) -> Vec<&Token> {
        let mut kept = Vec::new();
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            if self.starts(at, &["#", "[", "cfg", "(", "test", ")", "]", "mod"]) {
                // 0..8 is the attribute and `mod`, 8 its name, 9 its bracket (or `;`).
                at = if self.starts(at + 9, &["{"]) { self.closing(at + 9) } else { at + 9 };
            } else {
                kept.push(token);
            }
            at += 1;
        }
        kept
    }

    /// Whether these tokens stand here.
    pub fn starts(&self, at: usize, texts: &[&str]) -> bool {
        texts
            .iter()
            .enumerate()
            .all(|(step, text)| self.tokens.get(at + step).is_some_and(|token| token.text == *text))
    }

    /// The place of the bracket that closes the one opened here.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.text.as_str() {
                "{" | "(" | "[" if !token.literal => depth += 1,
                "}" | ")" | "]" if !token.literal => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        self.tokens.len()
    }
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    let mut colon = false;
    for tree in stream {
        let line = tree.span().start().line;
        let mut push = |text: String, literal, line| into.push(Token { text, literal, line });
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                push(open.to_owned(), false, line);
                flatten(group.stream(), into);
                let end = group.span_close().end().line;
                into.push(Token { text: close.to_owned(), literal: false, line: end });
            }
            TokenTree::Punct(sign) if sign.as_char() == ':' => {
                if colon {
                    push("::".to_owned(), false, line);
                } else if sign.spacing() == Spacing::Alone {
                    push(":".to_owned(), false, line);
                }
                colon = !colon && sign.spacing() == Spacing::Joint;
                continue;
            }
            TokenTree::Punct(sign) => push(sign.as_char().to_string(), false, line),
            TokenTree::Ident(name) => push(name.to_string(), false, line),
            TokenTree::Literal(literal) => push(literal.to_string(), true, line),
        }
        colon = false;
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository, as paths from its root, sorted; none when there is
/// no such folder.
pub fn list(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let mut paths: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"))
        .collect();
    paths.sort();
    paths
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// Every Rust file below a folder of the repository.
pub fn read_tree(folder: &str) -> Vec<Source> {
    list(folder)
        .iter()
        .filter(|path| path.ends_with(".rs"))
        .map(|path| Source::new(path, &fs::read_to_string(root().join(path)).unwrap()))
        .collect()
}

#[test]
fn comments_and_texts_are_not_code() {
    let source = Source::new(
        "src/a.rs",
        "// crate::x\n/* crate::y */ let a: &'static str = \"crate::z\";\nlet c = ':'; a::b(c);",
    );
    let code: Vec<&str> = source
        .tokens
        .iter()
        .filter(|token| !token.literal)
        .map(|token| token.text.as_str())
        .collect();
    assert!(!code.contains(&"crate"), "{code:?}");
    assert!(code.contains(&"::") && code.contains(&":"), "{code:?}");
    assert_eq!(source.tokens.last().unwrap().line, 3);
}

#[test]
fn a_test_module_can_be_left_out() {
    let source =
        Source::new("a.rs", "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c[0]; } }\nfn d() {}");
    let names: Vec<&str> =
        source.tokens_outside_tests().iter().map(|token| token.text.as_str()).collect();
    assert!(names.contains(&"a") && names.contains(&"d") && !names.contains(&"b"), "{names:?}");
}
