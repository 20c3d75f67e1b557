#include "likeness/eval/plot_files.h"

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"

namespace likeness {

std::vector<std::pair<std::string, Plot>> write_plots(const std::filesystem::path& folder,
                                                      const NamedPlots& plots) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw Error(ErrorCode::kOutputUnwritable,
                "cannot make folder " + folder.string() + ": " + error.message());
  const bool drawing = can_plot();
  std::vector<std::pair<std::string, Plot>> drawn;
  for (const auto& [name, plot] : plots) {
    write_file(folder / (name + ".csv"), std::string_view(to_csv(plot)));
    if (!drawing || !has_points(plot)) continue;
    drawn.emplace_back(plot.title, draw_plot(plot));
    write_file(folder / (name + ".png"), std::span<const std::byte>(drawn.back().second.png));
    write_file(folder / (name + ".svg"), std::string_view(drawn.back().second.svg));
  }
  return drawn;
}

}  // namespace likeness
