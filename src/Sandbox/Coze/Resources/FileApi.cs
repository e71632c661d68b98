using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace CozeCluster.Sandbox.Coze;

/// <summary><c>/v1/files/upload</c> (multipart, field <c>file</c>) and <c>/v1/files/retrieve</c>.</summary>
internal static class FileApi
{
    private const long MaxFileSize = 512L * 1024 * 1024;

    public static async Task UploadAsync(CozeContext context)
    {
        context.SetMaxBodySize(MaxFileSize + 1024 * 1024);
        if (!MediaTypeHeaderValue.TryParse(context.Http.Request.ContentType, out var type) || type.Boundary.Length == 0)
            throw CozeException.InvalidParameter("the body must be multipart/form-data");

        FileObject? file = null;
        var sha256 = "";
        try
        {
            var reader = new MultipartReader(HeaderUtilities.RemoveQuotes(type.Boundary).ToString(), context.Http.Request.Body);
            while (await reader.ReadNextSectionAsync(context.Aborted) is { } section)
            {
                var isFile = ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)
                    && HeaderUtilities.RemoveQuotes(disposition.Name) == "file";
                if (!isFile) continue;
                if (file is not null) throw CozeException.InvalidParameter("only one file can be uploaded at a time");
                var name = disposition!.FileNameStar.HasValue ? disposition.FileNameStar : HeaderUtilities.RemoveQuotes(disposition.FileName);
                if (name.Length == 0) throw CozeException.InvalidParameter("the field file needs a file name");
                long size;
                (size, sha256) = await ReadFileAsync(section.Body, context.Aborted);
                file = new FileObject(context.Coze.Ids.NewFileId(), size, context.Coze.Time.GetUtcNow().ToUnixTimeSeconds(), name.ToString());
            }
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw CozeException.InvalidParameter("the body is not valid multipart/form-data");
        }
        if (file is null) throw CozeException.InvalidParameter("the field file is required");
        context.Coze.Files.Add(new StoredFile(file, context.Token.Account, sha256));
        await context.WriteDataAsync(file, CozeJson.Utf8.EnvelopeFileObject);
    }

    public static Task RetrieveAsync(CozeContext context) => context.WriteDataAsync(
        context.Coze.Files.Find(context.Query("file_id"), context.Token.Account)?.File ?? throw new CozeException(CozeErrorCodes.FileNotFound),
        CozeJson.Utf8.EnvelopeFileObject);

    private static async Task<(long Size, string Sha256)> ReadFileAsync(Stream body, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        long size = 0;
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            size += read;
            if (size > MaxFileSize) throw new CozeException(CozeErrorCodes.FileTooLarge);
        }
        return (size, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}

/// <summary>The uploaded files.</summary>
internal sealed class FileStore
{
    private readonly ConcurrentDictionary<string, StoredFile> _files = new(StringComparer.Ordinal);

    public void Add(StoredFile file) => _files[file.File.Id] = file;

    /// <summary>A file of the account, or null.</summary>
    public StoredFile? Find(string id, string account) =>
        _files.TryGetValue(id, out var file) && file.Account == account ? file : null;

    public void Clear() => _files.Clear();
}

/// <summary>An uploaded file: its description, its account, and a hash of its bytes. The bytes are not stored.</summary>
internal sealed record StoredFile(FileObject File, string Account, string Sha256);
