#include "cli/program.h"

#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "cli/advice.h"
#include "cli/photos.h"

namespace likeness::cli {
namespace {

/// Whether a command that was given has been asked for JSON.
bool wants_json(const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands()) {
    const CLI::Option* json = command->get_option_no_throw("--json");
    if ((json != nullptr && json->count() > 0) || wants_json(*command)) return true;
  }
  return false;
}

}  // namespace

int run_program(CLI::App& app, int argc, char** argv, const Exit& exit) {
  // A full disk or a limit on file size shall be an error that is told, not a signal that kills.
  std::signal(SIGXFSZ, SIG_IGN);
  const auto failed = [&app](const std::exception& e, Exit code, bool told = false) {
    std::cerr << app.get_name() << ": " << e.what() << '\n';
    if (!told && std::cout && wants_json(app)) std::cout << dump_line({{"error", e.what()}}) << std::endl;
    return static_cast<int>(code);
  };
  try {
    app.parse(argc, argv);
    std::cout.flush();
    if (!std::cout) throw Error(ErrorCode::kOutputUnwritable, "cannot write to standard output");
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(Exit::kUsage);
  } catch (const Error& e) {
    const bool told = dynamic_cast<const ToldError*>(&e) != nullptr;
    return failed(std::runtime_error(with_advice(e)), exit_for(e.code()), told);
  } catch (const std::filesystem::filesystem_error& e) {  // in the system's words, not the library's
    return failed(std::runtime_error(e.path1().string() + ": " + e.code().message()), Exit::kNoInput);
  } catch (const std::invalid_argument& e) {
    return failed(e, Exit::kUsage);
  } catch (const std::bad_alloc&) {
    return failed(std::runtime_error("out of memory; try fewer --threads or smaller photos"), Exit::kUsage);
  } catch (const std::exception& e) {  // of a library or the system, beyond what we know by name
    return failed(e, Exit::kUsage);
  }
  return static_cast<int>(exit);
}

}  // namespace likeness::cli
