# The public API: what is installed, and what stays as it is within a minor version. Public headers include only each
# other and the standard library; tests/public_headers/ holds that, and that there are few. likeness/likeness.h
# includes them all. Every other header is plumbing.
set(likeness_public_headers
  likeness/likeness.h
  likeness/version.h
  likeness/core/error.h
  likeness/core/notice.h
  likeness/core/progress.h
  likeness/stats/intervals.h
  likeness/image/chip.h
  likeness/image/draw.h
  likeness/image/geometry.h
  likeness/image/image.h
  likeness/image/pixel_view.h
  likeness/image/read_image.h
  likeness/image/write_image.h
  likeness/infer/precision.h
  likeness/model/contract.h
  likeness/model/model_pack.h
  likeness/detect/face_detector.h
  likeness/embed/comparison.h
  likeness/embed/embedding_space.h
  likeness/embed/embeddings.h
  likeness/embed/quality.h
  likeness/classify/classifier.h
  likeness/gallery/calibration.h
  likeness/gallery/gallery.h
  likeness/gallery/person_faces.h
  likeness/gallery/search_index.h
  likeness/gallery/sqlite_store.h
  likeness/gallery/store.h
  likeness/cluster/cluster.h
  likeness/recognize/known_photos.h
  likeness/recognize/photo_source.h
  likeness/recognize/photo_stream.h
  likeness/recognize/recognizer.h
  likeness/recognize/setup.h)
