#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <stdexcept>

#include "cli/commands.h"
#include "cli/gallery_options.h"

int main(int argc, char** argv) {
  using namespace likeness;
  using cli::Exit;
  // A full disk or a limit on file size shall be an error that is told, not a signal that kills.
  std::signal(SIGXFSZ, SIG_IGN);

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

  const auto failed = [](const std::exception& e, Exit code) {
    std::cerr << "likeness: " << e.what() << '\n';
    return static_cast<int>(code);
  };
  try {
    app.parse(argc, argv);
    std::cout.flush();
    if (!std::cout) throw Error(ErrorCode::kOutputUnwritable, "cannot write to standard output");
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(Exit::kUsage);
  } catch (const Error& e) {
    return failed(e, cli::exit_for(e.code()));
  } catch (const std::invalid_argument& e) {
    return failed(e, Exit::kUsage);
  } catch (const std::bad_alloc&) {
    return failed(std::runtime_error("out of memory; try fewer --threads or smaller photos"), Exit::kUsage);
  }
  return static_cast<int>(exit);
}
