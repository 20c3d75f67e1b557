#pragma once

#include <gtest/gtest.h>

#include <string>

#include "likeness/core/error.h"

namespace likeness {

/// What an action says that must end in an Error of this code.
template <typename Action>
std::string message(ErrorCode code, Action action) {
  try {
    action();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "expected Error";
  return "";
}

}  // namespace likeness
