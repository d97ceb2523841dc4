/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one fuzz target over files instead of random bytes, so that every corpus, and every crash
 * ever found, is an ordinary test under every preset. Arguments: files and folders (not nested).
 * An empty folder is a failure: a corpus that was lost must not look like one that passed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PATH_SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        perror(path);
        exit(1);
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size == 0 ? 1 : size); /* exact, so that ASan sees one byte too far */
    if (data == NULL || fread(data, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int replay_folder(const char *path, DIR *folder)
{
    int files = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        char name[PATH_SIZE];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        files += replay_file(name);
    }
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        files += folder != NULL ? replay_folder(argv[i], folder) : replay_file(argv[i]);
        if (folder != NULL) closedir(folder);
    }
    printf("%d files replayed\n", files);
    return files > 0 ? 0 : 1;
}
