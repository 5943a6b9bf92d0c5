/* Classifies the demo's held-out digits with its frozen graph: loads a GraphDef, runs it, compares with the predictions
 * that the Python program wrote.
 *
 *   classify digits.pb held_out.bin
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thalweg/thalweg.h>

enum { kPixels = 8 * 8, kClasses = 10 };

static void check(tw_status* status, const char* doing) {
  if (status == NULL) return;
  tw_str message = tw_status_message(status);
  fprintf(stderr, "classify: %s: %.*s\n", doing, (int)message.size, message.data);
  tw_status_release(status);
  exit(1);
}

static tw_str str(const char* text) {
  tw_str s = {text, strlen(text)};
  return s;
}

/* The whole file in malloc'ed memory; ends the program when it cannot be read. */
static char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
    fprintf(stderr, "classify: cannot open %s\n", path);
    exit(1);
  }
  *size = (size_t)ftell(file);
  rewind(file);
  char* data = malloc(*size + 1);
  if (data == NULL || fread(data, 1, *size, file) != *size) {
    fprintf(stderr, "classify: cannot read %s\n", path);
    exit(1);
  }
  fclose(file);
  return data;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: classify digits.pb held_out.bin\n");
    return 2;
  }
  size_t graph_size, data_size;
  char* graph_def = read_file(argv[1], &graph_size);
  char* data = read_file(argv[2], &data_size);
  int32_t count;
  memcpy(&count, data, sizeof count);
  const size_t image_bytes = (size_t)count * kPixels * sizeof(float);
  if (count <= 0 || data_size != sizeof count + image_bytes + 2 * (size_t)count * sizeof(int32_t)) {
    fprintf(stderr, "classify: %s is not a held-out file\n", argv[2]);
    return 1;
  }
  const char* images = data + sizeof count;
  const char* labels = images + image_bytes;
  const char* expected = labels + (size_t)count * sizeof(int32_t);

  tw_graph* graph;
  int32_t first, imported;
  check(tw_graph_create(&graph), "create a graph");
  check(tw_graph_import(graph, graph_def, graph_size, NULL, &first, &imported), "load the graph");
  const tw_output input = {tw_graph_find(graph, str("input")), 0};
  const tw_output output = {tw_graph_find(graph, str("probabilities")), 0};

  tw_session* session;
  check(tw_session_create(graph, NULL, &session), "create a session");
  const int64_t dims[] = {count, 8, 8, 1};
  tw_tensor *fed, *probabilities;
  check(tw_tensor_copy_from(TW_FLOAT, dims, 4, images, image_bytes, &fed), "make the input");
  check(tw_session_run(session, NULL, &input, &fed, 1, &output, &probabilities, 1, NULL, 0, NULL), "run");

  const float* p = tw_tensor_data(probabilities);
  int correct = 0, differ = 0;
  for (int32_t i = 0; i < count; ++i) {
    int32_t best = 0, label, python;
    for (int32_t c = 1; c < kClasses; ++c) {
      if (p[i * kClasses + c] > p[i * kClasses + best]) best = c;
    }
    memcpy(&label, labels + (size_t)i * sizeof label, sizeof label);
    memcpy(&python, expected + (size_t)i * sizeof python, sizeof python);
    correct += best == label;
    differ += best != python;
  }
  printf("C:   %d of %d held-out digits right; %d predictions differ from Python's\n", correct, count, differ);

  tw_tensor_release(probabilities);
  tw_tensor_release(fed);
  tw_session_release(session);
  tw_graph_release(graph);
  free(data);
  free(graph_def);
  return differ == 0 ? 0 : 1;
}
