#include <string>

#include "cli/bench_command.h"
#include "cli/commands.h"
#include "cli/gallery_options.h"
#include "cli/program.h"
#include "likeness/image/read_image.h"

int main(int argc, char** argv) {
  using namespace likeness;
  using cli::Exit;
  leave_out_vips_modules();
  CLI::App app(
      "Finds faces in photographs and says whose they are: MTCNN, FaceNet, a linear SVM; offline, on the "
      "CPU.\n"
      "Example: likeness run my_photos --out out     (my_photos/PERSON/photo.jpg, or train/ and val/ of "
      "such)");
  app.name("likeness");
  app.set_version_flag("--version", std::string("likeness ") + LIKENESS_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);

  Exit exit = Exit::kDone;
  cli::add_run_command(app, exit);
  cli::add_detect_command(app, exit);
  cli::add_extract_command(app, exit);
  cli::add_embed_command(app, exit);
  cli::add_train_command(app, exit);
  cli::add_evaluate_command(app, exit);
  cli::add_predict_command(app, exit);
  cli::add_verify_command(app, exit);
  cli::add_cluster_command(app, exit);
  cli::add_gallery_command(app, exit);
  cli::add_eval_command(app, exit);
  cli::add_model_command(app, exit);
  cli::add_compact_command(app, exit);
  cli::add_bench_command(app, exit);

  return cli::run_program(app, argc, argv, exit);
}
