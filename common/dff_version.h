/* The version of all parts; nginx and the executor of one node are of the same. */
#ifndef DFF_VERSION_H
#define DFF_VERSION_H

#define DFF_VERSION  "0.1.0"

#endif
