using System.Text.Json;
using CozeCluster.Gateway.Errors;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Http;

/// <summary>Writes JSON responses straight into the response.</summary>
internal static class JsonResponse
{
    public static async Task Write<T>(HttpContext context, T value, Action<Utf8JsonWriter, T> write)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        using (var writer = new Utf8JsonWriter(context.Response.BodyWriter, ErrorRenderer.Json))
        {
            write(writer, value);
            writer.Flush();
        }
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
