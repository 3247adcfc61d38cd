"""Groups of the content types that Zeek's file signatures give."""

EXECUTABLE = (
    "application/x-dosexec",
    "application/x-executable",
    "application/x-sharedlib",
    "application/x-mach-o-executable",
    "application/x-mach-binary",
    "application/vnd.android.package-archive",
    "application/java-archive",
    "application/x-java-applet",
)
ARCHIVE = (
    "application/zip",
    "application/x-rar",
    "application/x-7z-compressed",
    "application/vnd.ms-cab-compressed",
    "application/x-gzip",
    "application/gzip",
    "application/x-bzip2",
    "application/x-xz",
    "application/x-tar",
    "application/x-compress",
)
DOCUMENT = (
    "application/pdf",
    "application/msword",
    "application/rtf",
    "text/rtf",
    "application/vnd.ms-office",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)
SCRIPT = (
    "text/x-shellscript",
    "text/x-python",
    "text/x-perl",
    "text/x-php",
    "text/javascript",
    "application/javascript",
    "application/x-shockwave-flash",
)
