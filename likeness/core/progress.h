#pragma once

#include <cstddef>
#include <functional>

namespace likeness {

/// Called now and then by long work with how much is done and how much there is. May be empty. Calls come one
/// at a time, though not always from the thread that started the work.
using Progress = std::function<void(std::size_t done, std::size_t total)>;

}  // namespace likeness
