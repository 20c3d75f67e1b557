#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

#include "likeness/gallery/store.h"

namespace likeness {

/// Names of people as they were when the store was asked last, for the time when it is out of reach; shared
/// by the views of a gallery. Threads may share one.
class KnownNames {
 public:
  /// All that there are.
  void replace(const std::vector<Person>& people) {
    const std::lock_guard lock(mutex_);
    names_.clear();
    for (const Person& person : people) names_[person.id] = person.name;
  }
  /// Those of `asked` who are not among `people` are gone.
  void update(const std::set<std::int64_t>& asked, const std::vector<Person>& people) {
    const std::lock_guard lock(mutex_);
    for (const std::int64_t id : asked) names_.erase(id);
    for (const Person& person : people) names_[person.id] = person.name;
  }
  [[nodiscard]] std::optional<std::string> name(std::int64_t person) const {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(person);
    return found == names_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return names_.size();
  }

  /// Whether the store was out of reach when somebody asked it last.
  std::atomic<bool> stale = false;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, std::string> names_;
};

}  // namespace likeness
