#include <string>

#include "cli/program.h"
#include "likeness/version.h"
#include "train/options.h"

int main(int argc, char** argv) {
  using namespace likeness;
  CLI::App app(
      "Learns an embedding of faces by triplets (FaceNet, arXiv:1503.03832), on the CPU. The result is a "
      "model pack\n"
      "like any other: likeness embed, eval and model compare take it with --model.\n"
      "Example: likeness-train fit my_photos -o models/my-head     (my_photos/PERSON/photo.jpg)");
  app.name("likeness-train");
  app.set_version_flag("--version", std::string("likeness-train ") + version());
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);

  cli::Exit exit = cli::Exit::kDone;
  train::add_fit_command(app, exit);
  train::add_study_command(app, exit);
  return cli::run_program(app, argc, argv, exit);
}
