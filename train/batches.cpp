#include "train/batches.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "likeness/core/error.h"
#include "train/random.h"

namespace likeness::train {
namespace {

using Rows = std::vector<std::size_t>;

/// Rows by person, in the order of their numbers.
std::map<int, Rows> rows_by_person(const Rows& rows, const std::vector<int>& people) {
  std::map<int, Rows> groups;
  for (std::size_t i = 0; i < rows.size(); ++i) groups[people[i]].push_back(rows[i]);
  return groups;
}

/// Of `groups` those with two rows or more. Triplets need two such people: each is the other's negative.
std::vector<Rows> learnable(const std::map<int, Rows>& groups) {
  if (groups.size() < 2) {
    throw Error(ErrorCode::kDataInvalid, "training needs at least two people, found " +
                                             std::to_string(groups.size()) +
                                             "; give a folder or file with photos of several people");
  }
  std::vector<Rows> result;
  for (const auto& [person, rows] : groups) {
    if (rows.size() >= 2) result.push_back(rows);
  }
  if (result.size() < 2) {
    throw Error(ErrorCode::kDataInvalid, "training needs at least two people with two photos each; of " +
                                             std::to_string(groups.size()) + " people " +
                                             std::to_string(groups.size() - result.size()) +
                                             " have only one photo");
  }
  return result;
}

}  // namespace

std::vector<int> number_people(const std::vector<std::string>& names) {
  std::map<std::string, int> numbers;
  for (const std::string& name : names) numbers.emplace(name, 0);
  int next = 0;
  for (auto& [name, number] : numbers) number = next++;
  std::vector<int> people;
  people.reserve(names.size());
  for (const std::string& name : names) people.push_back(numbers.at(name));
  return people;
}

Split hold_out_people(const std::vector<int>& people, double share, std::uint64_t seed) {
  if (!(share >= 0 && share < 1)) throw std::invalid_argument("the held-out share must be in [0, 1)");
  Rows all(people.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<Rows> pairs = learnable(rows_by_person(all, people));
  std::vector<Rows> singles;
  for (const auto& [person, rows] : rows_by_person(all, people)) {
    if (rows.size() == 1) singles.push_back(rows);
  }
  Random random({seed, kSplit});
  random.shuffle(pairs);
  random.shuffle(singles);
  auto count = static_cast<std::size_t>(std::lround(share * static_cast<double>(pairs.size())));
  auto strangers = static_cast<std::size_t>(std::lround(share * static_cast<double>(singles.size())));
  if (share > 0) count = std::max<std::size_t>(count, 2);
  if (count + 2 > pairs.size()) count = strangers = 0;

  Split split;
  const auto deal = [&split](const std::vector<Rows>& groups, std::size_t held_out) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      Rows& side = i < held_out ? split.held_out : split.learning;
      side.insert(side.end(), groups[i].begin(), groups[i].end());
    }
  };
  deal(pairs, count);
  deal(singles, strangers);
  std::ranges::sort(split.learning);
  std::ranges::sort(split.held_out);
  return split;
}

BatchSampler::BatchSampler(const Rows& rows, const std::vector<int>& people, BatchShape shape,
                           std::uint64_t seed)
    : shape_(shape), seed_(seed) {
  if (shape.people < 2 || shape.photos < 2 || shape.strangers < 0) {
    throw std::invalid_argument("a batch needs at least two people with two photos each");
  }
  if (rows.size() != people.size()) throw std::invalid_argument("a batch needs one person a row");
  const auto groups = rows_by_person(rows, people);
  people_ = learnable(groups);
  for (const auto& [person, group] : groups) {
    if (group.size() == 1) strangers_.push_back(group.front());
  }
}

std::vector<Rows> BatchSampler::epoch(std::uint64_t number) const {
  Random random({seed_, kBatches, number});
  std::vector<Rows> people = people_;
  Rows strangers = strangers_;
  random.shuffle(people);
  random.shuffle(strangers);
  // Dealt round over as many batches as are needed, so that sizes differ by one person at most.
  const auto size = static_cast<std::size_t>(shape_.people);
  const std::size_t count =
      std::max<std::size_t>(1, std::min((people.size() + size - 1) / size, people.size() / 2));
  std::vector<Rows> batches(count);
  for (std::size_t i = 0; i < people.size(); ++i) {
    random.shuffle(people[i]);
    const std::size_t taken = std::min(people[i].size(), static_cast<std::size_t>(shape_.photos));
    Rows& batch = batches[i % count];
    batch.insert(batch.end(), people[i].begin(), people[i].begin() + static_cast<std::ptrdiff_t>(taken));
  }
  const std::size_t per_batch = std::min(strangers.size(), static_cast<std::size_t>(shape_.strangers));
  std::size_t next = 0;
  for (Rows& batch : batches) {
    for (std::size_t i = 0; i < per_batch; ++i) batch.push_back(strangers[next++ % strangers.size()]);
  }
  return batches;
}

}  // namespace likeness::train
