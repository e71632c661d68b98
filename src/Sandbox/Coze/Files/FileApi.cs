using System.Security.Cryptography;
using CozeCluster.Sandbox.Coze.Wire;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace CozeCluster.Sandbox.Coze.Files;

/// <summary><c>/v1/files/upload</c> (multipart, field <c>file</c>) and <c>/v1/files/retrieve</c>.</summary>
internal static class FileApi
{
    private const long LargestFile = 512L * 1024 * 1024;

    public static async Task UploadAsync(CozeCall call)
    {
        if (call.Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = LargestFile + 1024 * 1024;
        if (!MediaTypeHeaderValue.TryParse(call.Http.Request.ContentType, out var type) || type.Boundary.Length == 0)
            throw new CozeException(CozeErrors.Parameters, "the body must be multipart/form-data");

        FileObject? file = null;
        var sha256 = "";
        try
        {
            var reader = new MultipartReader(HeaderUtilities.RemoveQuotes(type.Boundary).ToString(), call.Http.Request.Body);
            while (await reader.ReadNextSectionAsync(call.Aborted) is { } section)
            {
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) || HeaderUtilities.RemoveQuotes(disposition.Name) != "file") continue;
                if (file is not null) throw new CozeException(CozeErrors.Parameters, "only one file can be uploaded at a time");
                var name = disposition.FileNameStar.HasValue ? disposition.FileNameStar : HeaderUtilities.RemoveQuotes(disposition.FileName);
                if (name.Length == 0) throw new CozeException(CozeErrors.Parameters, "the field file needs a file name");
                long size;
                (size, sha256) = await MeasureAsync(section.Body, call.Aborted);
                file = new FileObject(call.Coze.Ids.File(), size, call.Coze.Time.GetUtcNow().ToUnixTimeSeconds(), name.ToString());
            }
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException)
        {
            throw new CozeException(CozeErrors.Parameters, "the body is no valid multipart/form-data");
        }
        if (file is null) throw new CozeException(CozeErrors.Parameters, "the field file is required");
        call.Coze.Files.Add(new StoredFile(file, call.Token.Account, sha256));
        await call.OkAsync(file, CozeJson.Wire.EnvelopeFileObject);
    }

    public static Task RetrieveAsync(CozeCall call) => call.OkAsync(
        call.Coze.Files.Find(call.Query("file_id"), call.Token.Account)?.Wire ?? throw new CozeException(CozeErrors.FileNotFound),
        CozeJson.Wire.EnvelopeFileObject);

    private static async Task<(long Size, string Sha256)> MeasureAsync(Stream body, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        long size = 0;
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            size += read;
            if (size > LargestFile) throw new CozeException(4302);
        }
        return (size, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
