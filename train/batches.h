#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace likeness::train {

/// A batch holds up to `photos` faces of each of `people` people, and one face each of up to `strangers`
/// people of whom there is only one: those cannot be anchors, but are as good as any as negatives.
struct BatchShape {
  int people = 24;     ///< At least 2.
  int photos = 4;      ///< At least 2.
  int strangers = 24;  ///< At least 0.
};

/// Who is learned from and who is held out: rows of the data by person. A person is in one of them only.
struct Split {
  std::vector<std::size_t> learning;  ///< Rows, ascending.
  std::vector<std::size_t> held_out;  ///< Rows of `share` of the people with two photos or more, ascending.
};

/// Numbers people by their names' order, so that `people[i]` stands for `names[i]`.
[[nodiscard]] std::vector<int> number_people(const std::vector<std::string>& names);

/// Holds out `share` of the people with two photos or more, and the same share of the others, drawn with
/// `seed`. Nobody is held out where that would leave fewer than two people with two photos on either side.
/// @throws Error kDataInvalid where fewer than two people are in `people`, or fewer than two have two photos.
/// @throws std::invalid_argument for a share outside [0, 1).
[[nodiscard]] Split hold_out_people(const std::vector<int>& people, double share, std::uint64_t seed);

/// Draws the batches of an epoch: every person of two photos or more once, in random order, with random
/// photos. The same seed and epoch give the same batches. A plain value.
class BatchSampler {
 public:
  /// `rows[i]` is a row of the data, of person `people[i]`. @throws std::invalid_argument for a shape out of
  /// range; Error kDataInvalid as hold_out_people().
  BatchSampler(const std::vector<std::size_t>& rows, const std::vector<int>& people, BatchShape shape,
               std::uint64_t seed);

  /// Rows of the data, batch by batch. No batch has fewer than two people with two photos.
  [[nodiscard]] std::vector<std::vector<std::size_t>> epoch(std::uint64_t number) const;

 private:
  BatchShape shape_;
  std::uint64_t seed_;
  std::vector<std::vector<std::size_t>> people_;  // rows of each person with two photos or more
  std::vector<std::size_t> strangers_;            // rows of the others
};

}  // namespace likeness::train
