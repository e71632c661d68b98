using System.Text;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>A file of a multipart body, by the number in <c>files[n]</c>.</summary>
internal sealed record UploadedFile(int Number, string Filename, string ContentType, byte[] Bytes);

/// <summary>The body of a message create or edit: JSON, or multipart with <c>payload_json</c> and <c>files[n]</c>.</summary>
internal sealed record MessageForm(JsonObject Body, IReadOnlyList<UploadedFile> Files)
{
    /// <exception cref="DiscordError">40005: too large. 50035, 50109: see <see cref="RestCall.ReadJsonAsync"/>.</exception>
    public static async Task<MessageForm> ReadAsync(RestCall call)
    {
        if (!call.Http.Request.HasFormContentType) return new(await call.ReadJsonAsync(), []);
        try
        {
            var form = await call.Http.Request.ReadFormAsync(call.Aborted);
            var body = form["payload_json"].ToString() is { Length: > 0 } payload ? RestCall.Parse(Encoding.UTF8.GetBytes(payload)) : [];
            if (form["content"].ToString() is { Length: > 0 } content) body["content"] = content;
            return new(body, await FilesAsync(call, form.Files));
        }
        catch (InvalidDataException)
        {
            throw DiscordError.InvalidForm("_misc", "CONTENT_TYPE_INVALID", "The multipart body is broken.");
        }
    }

    private static async Task<List<UploadedFile>> FilesAsync(RestCall call, IFormFileCollection parts)
    {
        if (parts.Sum(part => part.Length) > call.Discord.Options.RequestBytes) throw DiscordError.TooLarge();
        var files = new List<UploadedFile>();
        foreach (var part in parts)
        {
            if (part.Length > call.Discord.Options.FileBytes) throw DiscordError.TooLarge();
            if (string.IsNullOrEmpty(part.FileName)) throw DiscordError.Required(part.Name);
            using var bytes = new MemoryStream();
            await part.CopyToAsync(bytes, call.Aborted);
            files.Add(new(NumberOf(part.Name, files.Count), part.FileName, TypeOf(part), bytes.ToArray()));
        }
        return files;
    }

    private static int NumberOf(string name, int otherwise) =>
        name.StartsWith("files[", StringComparison.Ordinal) && int.TryParse(name.AsSpan(6, name.Length - 7), out var number) ? number : otherwise;

    private static string TypeOf(IFormFile part)
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
