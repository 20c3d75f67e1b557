#pragma once

#include <string>
#include <string_view>

namespace likeness {

/// A person's name as it is kept and compared: composed letters (Unicode's NFC), without blanks and invisible
/// characters at its ends. Names that look alike are alike. Empty where nothing is left. Bytes that are no
/// UTF-8 are kept, but for blanks.
[[nodiscard]] std::string tidy_name(std::string_view name);

/// What names are sorted and searched by: without regard to case (Unicode's NFKC_Casefold). Bytes that are no
/// UTF-8 stay as they are.
[[nodiscard]] std::string folded_name(std::string_view name);

}  // namespace likeness
