#include <cstdlib>

#include "cli/app.h"
#include "cli/program.h"

int main(int argc, char** argv) {
  using namespace likeness;
  using cli::Exit;
  // libvips then leaves its loader modules and some forty libraries of theirs closed, which is most of the
  // time that this program takes to start; the library opens the one for HEIF and AVIF when such a file
  // comes.
  ::setenv("VIPSHOME", "/nonexistent", /*overwrite=*/0);
  Exit exit = Exit::kDone;
  const auto app = cli::make_app(exit);
  return cli::run_program(*app, argc, argv, exit);
}
