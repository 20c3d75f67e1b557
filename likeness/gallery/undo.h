#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/gallery/gallery.h"

namespace likeness {

enum class NameChangeKind { kRename, kMerge, kMove };
[[nodiscard]] std::string_view to_string(NameChangeKind kind);  ///< "rename", "merge", "move"

/// A change of names that can be undone.
struct NameChange {
  std::int64_t id = 0;       ///< Rises with time.
  std::int64_t time_ms = 0;  ///< Milliseconds since 1970, UTC.
  NameChangeKind kind = NameChangeKind::kRename;
  std::string from;                   ///< The name before; whose the faces were.
  std::string to;                     ///< The name after; whose they are.
  std::vector<std::int64_t> faces{};  ///< That changed hands; none of a rename.
  bool undone = false;
};

/// Renames, merges and moves that are remembered in the gallery itself, the newest 100, encrypted where it
/// is. Undoing goes by names and faces, not by time: other changes in between stay. One writer at a time:
/// calls of several threads or processes at once may forget one another's entries, though not the changes
/// themselves. Members throw Error as the gallery does.
class UndoLog {
 public:
  explicit UndoLog(Gallery& gallery) : gallery_(gallery) {}

  /// As Gallery::rename_person(); empty where there is no `from`.
  std::optional<NameChange> rename_person(const std::string& from, const std::string& to);
  /// As Gallery::merge_people(); empty where one of them does not exist.
  std::optional<NameChange> merge_people(const std::string& from, const std::string& into);
  /// As Gallery::move_faces() with one face; empty where there is none of that number.
  std::optional<NameChange> move_face(std::int64_t face, const std::string& to);
  /// As Gallery::remove_person(), and forgets every change that holds the name, or one that the person had
  /// before and nobody has now.
  bool remove_person(const std::string& name);

  /// Newest first.
  [[nodiscard]] std::vector<NameChange> changes() const;
  /// Empty where there is no such change.
  /// @throws Error kDataInvalid saying why it cannot be undone: it is undone already, the name is taken, or
  /// nobody and nothing of it is left.
  std::optional<NameChange> undo(std::int64_t id);

 private:
  void write(const std::vector<NameChange>& changes);
  NameChange remember(NameChange change);

  Gallery& gallery_;
};

}  // namespace likeness
