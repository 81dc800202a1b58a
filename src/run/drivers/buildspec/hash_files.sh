#!/bin/sh
# codebuild-hash-files PATTERN…: one hash of the content of all files below the build's folder that match.
cd "${CODEBUILD_SRC_DIR:-.}" || exit 1
if command -v sha256sum >/dev/null; then hash=sha256sum; else hash='shasum -a 256'; fi
for pattern; do
    pattern=${pattern#"$CODEBUILD_SRC_DIR"/}
    pattern=${pattern#./}
    if [ -f "$pattern" ]; then
        printf './%s\n' "$pattern"
    else
        # `find` knows no `**`: here it is nothing, or any number of folders.
        flat=$(printf '%s' "$pattern" | sed 's,\*\*/,,g')
        deep=$(printf '%s' "$pattern" | sed 's,\*\*/,*/,g')
        find . -type f \( -path "./$flat" -o -path "./$deep" \)
    fi
done | LC_ALL=C sort -u | while IFS= read -r file; do $hash <"$file"; done | $hash | cut -d ' ' -f 1
