/* Folders without folders in them, as the program makes them for work files. */
#ifndef HELOCI_TOOL_FLAT_FOLDER_H
#define HELOCI_TOOL_FLAT_FOLDER_H

/* Removes the folder and whatever files are in it; one that is not there is none the less gone, and
 * one with a folder in it stays with that. */
void flat_folder_remove(const char *path);

#endif
