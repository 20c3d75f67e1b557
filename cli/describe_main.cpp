// Part of the build: writes the manual page and the completion of the command line that the program has.
//   likeness_describe man|bash >FILE

#include <iostream>
#include <string>

#include "cli/app.h"
#include "cli/describe.h"
#include "likeness/version.h"

int main(int argc, char** argv) {
  using namespace likeness;
  const std::string what = argc == 2 ? argv[1] : "";
  cli::Exit exit = cli::Exit::kDone;
  const auto app = cli::make_app(exit);
  if (what == "man") {
    std::cout << cli::man_page(*app, version());
  } else if (what == "bash") {
    std::cout << cli::bash_completion(*app);
  } else {
    return 2;
  }
  return std::cout.flush() ? 0 : 1;
}
