// A child that behaves as its one argument says; import_test runs it.
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/infer/limited_child.h"

int main(int argc, char** argv) {
  using likeness::Error, likeness::ErrorCode;
  return likeness::child_main(argc, argv, [](const std::vector<std::string>& told) {
    const std::string& what = told.at(0);
    volatile bool endless = what == "endless";
    while (endless) {
    }
    if (what == "crash") std::abort();
    if (what == "greedy") throw std::bad_alloc();
    if (what == "error") throw Error(ErrorCode::kDataInvalid, "as it was");
    if (what == "odd") throw Error(ErrorCode::kModelInvalid, "a\nname\x1b[31m from the file");
  });
}
