#pragma once

// Inside model/ only.

#include <cstddef>
#include <vector>

namespace likeness {

/// An order in which every node stands after those it reads (`reads[i]` lists them for node i); shorter than
/// `reads` where nodes read each other in a circle.
[[nodiscard]] inline std::vector<std::size_t> order_of(const std::vector<std::vector<std::size_t>>& reads) {
  std::vector<std::vector<std::size_t>> readers(reads.size());
  std::vector<std::size_t> missing(reads.size());
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    missing[i] = reads[i].size();
    for (const std::size_t from : reads[i]) readers[from].push_back(i);
    if (missing[i] == 0) order.push_back(i);
  }
  for (std::size_t next = 0; next < order.size(); ++next) {
    for (const std::size_t reader : readers[order[next]]) {
      if (--missing[reader] == 0) order.push_back(reader);
    }
  }
  return order;
}

}  // namespace likeness
