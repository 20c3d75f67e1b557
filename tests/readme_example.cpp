#include <likeness/core/error.h>
#include <likeness/recognize/recognizer.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    likeness::Recognizer recognizer(/*people=*/argv[1], {.models = {"models"}, .threads = 2});
    for (const auto& who : recognizer.recognize(/*photo=*/argv[2])) {
      std::printf("%s at %.0f, %.0f: cosine %.2f\n", who.prediction.label.c_str(), who.face.box.left,
                  who.face.box.top, who.prediction.nearest_cosine);
    }
  } catch (const likeness::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
