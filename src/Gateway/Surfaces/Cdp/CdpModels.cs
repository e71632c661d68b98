using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Models;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>
/// <c>GET /v1/models</c> of coze-discord-proxy. A tenant whose models have no names that can be listed, because it takes any name, gets the names that
/// coze-discord-proxy had built in, as far as they lead to a model.
/// </summary>
internal static class CdpModels
{
    private static readonly string[] Builtin =
    [
        "gpt-3.5-turbo", "gpt-3.5-turbo-1106", "gpt-3.5-turbo-0125", "gpt-4", "gpt-4-0613", "gpt-4-32k", "gpt-4-32k-0613", "gpt-4-turbo",
        "gpt-4-turbo-preview", "gpt-4o", "gpt-4o-2024-05-13", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "chatgpt-4o-latest", "gpt-4o-mini",
        "gpt-4o-mini-2024-07-18", "gpt-4-vision-preview", "gpt-4-turbo-2024-04-09", "gpt-4-1106-preview", "dall-e-3", "o1-mini", "o1-preview", "o3-mini",
    ];

    public static Task List(HttpContext context)
    {
        var fleet = context.RequestServices.GetRequiredService<IFleetView>();
        var key = RequestInfo.KeyOf(context);
        var names = fleet.ListModels(key).Select(model => model.Id).Distinct().ToList();
        if (names.Count == 0 || CdpOptions.ListsBuiltinModels(context))
            names = [.. Builtin.Where(name => fleet.FindModel(key.TenantId, name) is { } model && key.Allows(model.Id))];
        return JsonBody.Write(context, names, static (writer, names) =>
        {
            writer.WriteStartObject();
            JsonBody.WriteListMembers(writer, names, Write);
            writer.WriteEndObject();
        });
    }

    private static void Write(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, name);
        writer.WriteString("object"u8, "model"u8);
        writer.WriteEndObject();
    }
}
