#pragma once

#include <functional>
#include <string>

namespace likeness {

/// A trouble that was worked around: the answer is right, but somebody may want to know.
struct Notice {
  enum class Code {
    kIndexNotSaved,  ///< A search index cannot be written beside its gallery: every process builds its own.
    kIndexNotReadable,  ///< An index file is damaged or of another gallery: it is built anew.
    kReadOnly,          ///< A gallery may not be written: it is opened for reading.
  };
  Code code;
  std::string text;  ///< One line: which file or gallery, what is wrong.
};

/// May be empty. Called from the thread that does the work.
using NoticeSink = std::function<void(const Notice&)>;

}  // namespace likeness
