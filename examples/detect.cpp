// The faces in a photo: detect MODELS PHOTO

#include <likeness/likeness.h>

#include <cstdio>
#include <filesystem>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    likeness::FaceDetector detector(std::filesystem::path(argv[1]) / "mtcnn", {.min_face_px = 40});
    const likeness::Image photo = likeness::read_image(argv[2]);  // upright, RGB
    const auto faces = detector.detect(photo.view());
    std::printf("%zu %s\n", faces.size(), faces.size() == 1 ? "face" : "faces");
    for (const likeness::Face& face : faces) {
      const likeness::Box& box = face.box;
      std::printf("%.0f x %.0f pixels at %.0f, %.0f, score %.3f\n", box.right - box.left,
                  box.bottom - box.top, box.left, box.top, face.score);
    }
  } catch (const likeness::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
