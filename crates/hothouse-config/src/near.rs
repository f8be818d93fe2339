//! "Did you mean …?": the candidate nearest to a misspelt word, or none.

/// The candidate that a person most likely meant: the same letters in another spelling first
/// (`stop_timeout` for `stopTimeout`), else the fewest typing slips, at most a third of the word.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = letters(word);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .filter_map(|candidate| Some((distance(word, &bare, candidate)?, candidate)))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

fn distance(word: &str, bare: &str, candidate: &str) -> Option<usize> {
    if !bare.is_empty() && *bare == letters(candidate) {
        return Some(0);
    }
    let length = word.chars().count().max(candidate.chars().count());
    // Longer names than this are not typed by hand; comparing them costs quadratic time.
    if length > 128 {
        return None;
    }
    let slips = strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    (slips <= length / 3).then_some(slips + 1)
}

fn letters(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_misses() {
        let keys = ["name", "version", "dependencies", "optionalDependencies", "stopTimeout"];
        let table = [
            ("nmae", Some("name")),
            ("Version", Some("version")),
            ("stop_timeout", Some("stopTimeout")),
            ("dependancies", Some("dependencies")),
            ("wheels", None),
            ("", None),
        ];
        for (word, expected) in table {
            assert_eq!(nearest(word, keys), expected, "{word}");
        }
    }
}
