using System.Text;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>A file of a multipart body. The number is <c>n</c> in <c>files[n]</c>.</summary>
internal sealed record UploadedFile(int Number, string Filename, string ContentType, byte[] Bytes);

/// <summary>The body of a message create or edit: JSON, or multipart with <c>payload_json</c> and <c>files[n]</c>.</summary>
internal sealed record MessageForm(JsonObject Body, IReadOnlyList<UploadedFile> Files)
{
    /// <exception cref="RestException">40005: it is too large. 50035, 50109: see <see cref="RestContext.ReadJsonAsync"/>.</exception>
    public static async Task<MessageForm> ReadAsync(RestContext context)
    {
        if (!context.Http.Request.HasFormContentType) return new(await context.ReadJsonAsync(), []);
        try
        {
            var form = await context.Http.Request.ReadFormAsync(context.Aborted);
            var body = form["payload_json"].ToString() is { Length: > 0 } payload ? RestContext.Parse(Encoding.UTF8.GetBytes(payload)) : [];
            if (form["content"].ToString() is { Length: > 0 } content) body["content"] = content;
            return new(body, await ReadFilesAsync(context, form.Files));
        }
        catch (InvalidDataException)
        {
            throw RestException.InvalidForm("_misc", "CONTENT_TYPE_INVALID", "The multipart body is broken.");
        }
    }

    private static async Task<List<UploadedFile>> ReadFilesAsync(RestContext context, IFormFileCollection parts)
    {
        if (parts.Sum(part => part.Length) > context.Discord.Options.RequestBytes) throw RestException.RequestTooLarge();
        var files = new List<UploadedFile>();
        foreach (var part in parts)
        {
            if (part.Length > context.Discord.Options.FileBytes) throw RestException.RequestTooLarge();
            if (string.IsNullOrEmpty(part.FileName)) throw RestException.Required(part.Name);
            using var bytes = new MemoryStream();
            await part.CopyToAsync(bytes, context.Aborted);
            files.Add(new(GetNumber(part.Name, files.Count), part.FileName, GetContentType(part), bytes.ToArray()));
        }
        return files;
    }

    private static int GetNumber(string name, int defaultValue) =>
        name.StartsWith("files[", StringComparison.Ordinal) && int.TryParse(name.AsSpan(6, name.Length - 7), out var number) ? number : defaultValue;

    private static string GetContentType(IFormFile part)
    {
        if (part.ContentType is { Length: > 0 } type && type != "application/octet-stream") return type;
        return Path.GetExtension(part.FileName).ToLowerInvariant() switch
        {
            ".txt" => "text/plain; charset=utf-8",
            ".md" => "text/markdown; charset=utf-8",
            ".json" => "application/json",
            ".png" => "image/png",
            ".jpg" or ".jpeg" => "image/jpeg",
            ".gif" => "image/gif",
            ".webp" => "image/webp",
            ".pdf" => "application/pdf",
            _ => "application/octet-stream",
        };
    }
}
