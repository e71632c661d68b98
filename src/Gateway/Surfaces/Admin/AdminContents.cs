using System.Buffers;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Turns;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>
/// Prompts and replies. They are shown to owners, and to tenant admins those of their tenant, if the request asks for it. Each such request is recorded.
/// </summary>
internal static class AdminContents
{
    /// <summary>The parameter that asks for prompts and replies.</summary>
    public const string Name = "content";

    public static (string Name, string Description) Parameter { get; } =
        (Name, "true: with prompts and replies. Only for owners and tenant admins; the audit log records it.");

    /// <summary>A turn with its prompt and its reply.</summary>
    public static JsonElement Of(AdminCall call, TurnSnapshot turn)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, JsonBody.WriterOptions)) TurnJson.Write(writer, turn, ReplyAddresses.Of(call.Context), withPrompt: true);
        using var document = JsonDocument.Parse(buffer.WrittenMemory);
        return document.RootElement.Clone();
    }

    /// <summary>Requires a role that may see prompts and replies.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.PermissionDenied"/>; the audit log has it.</exception>
    public static async Task RequireContent(this AdminCall call)
    {
        if (call.Key.Role is AdminRole.Owner or AdminRole.TenantAdmin) return;
        throw await call.Refuse("Only owners and tenant admins may see prompts and replies.", Name);
    }
}
