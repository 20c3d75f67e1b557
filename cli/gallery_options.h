#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/options.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/naming.h"

namespace likeness::cli {

/// Which gallery (a file, or a postgresql:// URI as open_gallery() takes it), and the key to it.
struct GalleryArgs {
  std::filesystem::path path;
  std::optional<std::filesystem::path> key_file;

  /// No index is built before it is asked for; `kind` of it, empty: as fits the size.
  [[nodiscard]] Gallery open(bool read_only, int threads = 1, std::optional<IndexKind> kind = {}) const;
  /// What there is, or a new one.
  [[nodiscard]] Gallery open_or_create(const EmbeddingSpace& space, const CreateOptions& create = {}) const;
  [[nodiscard]] bool exists() const;
  /// As it may be told: of an address on a server the host, the database and the gallery, not who asks.
  [[nodiscard]] std::string name() const;
  /// @throws Error kOutputUnwritable for a file in a folder that cannot be written; of a server nothing is
  /// asked.
  void require_writable() const;
  /// As gallery_passphrase().
  [[nodiscard]] std::optional<std::string> passphrase() const;
  /// Whether both are one file, or one address of a server.
  [[nodiscard]] bool is(const GalleryArgs& other) const;

 private:
  [[nodiscard]] GalleryOptions options() const;
};

/// How this program opens galleries: notices go to stderr, indexes into this user's cache folder where
/// anything says where that is.
[[nodiscard]] GalleryOptions gallery_options(std::optional<std::string> passphrase);

/// The commands that know people without training.
void add_verify_command(CLI::App& app, Exit& exit);
void add_cluster_command(CLI::App& app, Exit& exit);
void add_gallery_command(CLI::App& app, Exit& exit);

/// `models` with the model that made the faces of a gallery, unless --model names another or
/// there is no such pack.
[[nodiscard]] ModelOptions models_for(const EmbeddingSpace& space, ModelOptions models);

void add_gallery_option(CLI::App& command, GalleryArgs& args);  ///< --gallery --key-file

/// The gallery's current view, with a progress bar where an index has to be built.
[[nodiscard]] std::shared_ptr<const GalleryView> view_of(const Gallery& gallery);

/// What stderr is told where the gallery is not calibrated; else empty.
[[nodiscard]] std::string remark(const NamingRule& rule);
/// The rule's threshold as JSON; null where nobody gets a name.
[[nodiscard]] nlohmann::ordered_json threshold_json(const NamingRule& rule);

/// A match as the commands' JSON has it; null where there is none.
[[nodiscard]] nlohmann::ordered_json match_json(const std::optional<PersonMatch>& match);

}  // namespace likeness::cli
