#include "cli/app.h"

#include <string>

#include "cli/bench_command.h"
#include "cli/gallery_options.h"
#include "cli/standard_input.h"
#include "likeness/version.h"

namespace likeness::cli {

std::unique_ptr<CLI::App> make_app(Exit& exit) {
  auto app = std::make_unique<CLI::App>(
      "Finds faces in photographs and says whose they are: MTCNN, FaceNet, a linear SVM; offline, on the "
      "CPU.\n"
      "Example: likeness run my_photos --out out     (my_photos/PERSON/photo.jpg, or train/ and val/ of "
      "such)");
  app->name("likeness");
  app->set_version_flag("--version", std::string("likeness ") + version());
  app->require_subcommand(1);
  app->get_formatter()->column_width(34);

  add_run_command(*app, exit);
  add_detect_command(*app, exit);
  add_extract_command(*app, exit);
  add_embed_command(*app, exit);
  add_train_command(*app, exit);
  add_evaluate_command(*app, exit);
  add_predict_command(*app, exit);
  add_verify_command(*app, exit);
  add_cluster_command(*app, exit);
  add_gallery_command(*app, exit);
  add_import_from_command(*app, exit);
  add_serve_command(*app, exit);
  add_key_command(*app, exit);
  add_eval_command(*app, exit);
  add_model_command(*app, exit);
  add_compact_command(*app, exit);
  add_bench_command(*app, exit);
  take_standard_input(*app);

  return app;
}

}  // namespace likeness::cli
