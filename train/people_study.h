#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "train/learner.h"

namespace likeness::train {

/// The names in LFW's peopleDevTrain.txt or peopleDevTest.txt: a line with the number of people, then `name
/// count` for each. @throws Error kInputUnreadable; kDataInvalid with the line's number.
[[nodiscard]] std::vector<std::string> read_people_file(const std::filesystem::path& list);

/// All pairs of some people's faces, kept so that VAL at one FAR can be asked for every resampling of the
/// people. May be read from many threads.
class CrossPairs {
 public:
  /// `people[i]` (from 0, without gaps) is the person of row i; rows of unit length. O(n^2) time.
  /// @throws std::invalid_argument where counts differ.
  CrossPairs(const Embeddings& rows, const std::vector<int>& people, double far);

  [[nodiscard]] std::size_t people() const { return photos_.size(); }
  [[nodiscard]] std::size_t mated() const { return mated_.size(); }
  [[nodiscard]] std::size_t non_mated() const { return non_mated_; }

  /// Share of mated pairs accepted at the lowest cosine that accepts at most `far` of the non-mated ones,
  /// where person p counts `times[p]` times; a person is never paired with a copy of their own. NaN without
  /// pairs.
  [[nodiscard]] double val(std::span<const int> times) const;
  /// The same where everybody counts once.
  [[nodiscard]] double val() const;

 private:
  struct Mated {
    float cosine;
    int person;
  };
  struct NonMated {
    float cosine;
    int first;
    int second;
  };
  double far_;
  std::vector<Mated> mated_;         // highest cosine first
  std::vector<NonMated> impostors_;  // the most alike of them, highest cosine first
  std::size_t non_mated_ = 0;
  std::vector<double> photos_;  // of each person
};

/// Rows as one signed byte a value makes them (embed/byte_values.h), scaled to length 1 again: their dot
/// product is the cosine that integers give.
[[nodiscard]] Embeddings as_bytes(const Embeddings& rows);

}  // namespace likeness::train
