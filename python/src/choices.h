#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace likeness::python {

/// The value of `name` by `from`. @throws std::invalid_argument naming the argument and what it may be.
template <typename T>
T choice(const std::string& name, std::optional<T> (*from)(std::string_view), const char* argument,
         const char* choices) {
  if (const auto value = from(name)) return *value;
  throw std::invalid_argument(std::string(argument) + " must be one of " + choices + ", not \"" + name +
                              "\"");
}

}  // namespace likeness::python
