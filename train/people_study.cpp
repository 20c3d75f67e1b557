#include "train/people_study.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/embed/byte_values.h"

namespace likeness::train {
namespace {

namespace fs = std::filesystem;

/// Impostor pairs kept, over those that the rate accepts: resampling people moves the threshold a little.
constexpr double kKept = 20;
constexpr std::size_t kAlwaysKept = 100000;

}  // namespace

std::vector<std::string> read_people_file(const fs::path& list) {
  std::ifstream file(list);
  if (!file) throw Error(ErrorCode::kInputUnreadable, "cannot read " + list.string());
  std::vector<std::string> people;
  std::size_t number = 0;
  std::size_t expected = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::istringstream fields(line);
    std::string name;
    long count = 0;
    const auto wrong = [&](const std::string& wanted) {
      return Error(ErrorCode::kDataInvalid,
                   list.string() + ", line " + std::to_string(number) + ": expected " + wanted);
    };
    if (number == 1) {
      if (!(fields >> expected)) throw wrong("the number of people");
      continue;
    }
    if (!(fields >> name >> count) || count < 1) throw wrong("a name and a number of photos");
    // A name is a folder's; it must not lead elsewhere.
    if (name.find('/') != std::string::npos || name.front() == '.') throw wrong("a person's name");
    people.push_back(name);
  }
  if (number == 0 || people.size() != expected) {
    throw Error(ErrorCode::kDataInvalid, list.string() + " names " + std::to_string(people.size()) +
                                             " people and says " + std::to_string(expected));
  }
  return people;
}

CrossPairs::CrossPairs(const Embeddings& rows, const std::vector<int>& people, double far) : far_(far) {
  if (rows.size() != people.size()) throw std::invalid_argument("one person a row is needed");
  for (const int person : people) {
    if (static_cast<std::size_t>(person) >= photos_.size())
      photos_.resize(static_cast<std::size_t>(person) + 1);
    photos_[static_cast<std::size_t>(person)] += 1;
  }
  for (std::size_t i = 0; i < people.size(); ++i) {
    for (std::size_t j = i + 1; j < people.size(); ++j) {
      const auto cosine = static_cast<float>(dot(rows[i], rows[j]));
      if (people[i] == people[j]) mated_.push_back({cosine, people[i]});
      if (people[i] != people[j]) impostors_.push_back({cosine, people[i], people[j]});
    }
  }
  non_mated_ = impostors_.size();
  const auto kept = std::min(
      non_mated_,
      std::max(kAlwaysKept, static_cast<std::size_t>(kKept * far * static_cast<double>(non_mated_))));
  std::ranges::sort(mated_, std::greater(), &Mated::cosine);
  std::ranges::partial_sort(impostors_, impostors_.begin() + static_cast<std::ptrdiff_t>(kept),
                            std::greater(), &NonMated::cosine);
  impostors_.resize(kept);
  impostors_.shrink_to_fit();
}

double CrossPairs::val(std::span<const int> times) const {
  if (times.size() != photos_.size()) throw std::invalid_argument("one count a person is needed");
  // Pairs of two people: all pairs of faces less those inside a person and between its copies.
  double faces = 0;
  double own = 0;
  for (std::size_t p = 0; p < photos_.size(); ++p) {
    const double count = times[p] * photos_[p];
    faces += count;
    own += count * count;
  }
  const double budget = far_ * (faces * faces - own) / 2;
  const auto weight = [&](int person) {
    return static_cast<double>(times[static_cast<std::size_t>(person)]);
  };
  double accepted = 0;
  float highest_refused = -std::numeric_limits<float>::infinity();
  for (const NonMated& pair : impostors_) {
    accepted += weight(pair.first) * weight(pair.second);
    if (accepted <= budget) continue;
    highest_refused = pair.cosine;
    break;
  }
  double right = 0;
  double all = 0;
  for (const Mated& pair : mated_) {
    all += weight(pair.person);
    if (pair.cosine > highest_refused) right += weight(pair.person);
  }
  return all > 0 ? right / all : std::numeric_limits<double>::quiet_NaN();
}

double CrossPairs::val() const { return val(std::vector<int>(photos_.size(), 1)); }

Embeddings as_bytes(const Embeddings& rows) {
  Embeddings result{rows.dimension, {}};
  std::vector<std::int8_t> bytes(rows.dimension);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    (void)quantize(rows[i], bytes);
    result.values.insert(result.values.end(), bytes.begin(), bytes.end());
  }
  l2_normalize(result);
  return result;
}

}  // namespace likeness::train
