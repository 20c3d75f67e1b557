#pragma once

#include <cstddef>
#include <thread>
#include <vector>

namespace likeness {

/// Runs work(part) for every part, each on a thread of its own, the first on this one.
template <typename Work>
void in_parts(std::size_t parts, const Work& work) {
  std::vector<std::thread> helpers;
  for (std::size_t part = 1; part < parts; ++part) helpers.emplace_back(work, part);
  work(0);
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace likeness
